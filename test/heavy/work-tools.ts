// Sixty tools as the servers of GitHub, Slack, Linear and their like offer them: twelve things with five tools each, with arguments,
// enumerations and descriptions of the same size. It must never grow or shrink to fit a figure: its size is checked by its test.

type Json = Record<string, unknown>;
type Property = readonly [name: string, description: string, more?: Json];

export type WorkTool = { readonly name: string; readonly description: string; readonly inputSchema: Json };

type Thing = {
  readonly name: string;
  readonly words: string;
  readonly meaning: string;
  /** Where such things are. */
  readonly place: readonly Property[];
  readonly states: readonly string[];
  readonly fields: readonly Property[];
};

const repository: readonly Property[] = [
  ["owner", "Account that owns the repository: a user name or an organization. Not case-sensitive."],
  ["repo", "Name of the repository without the extension .git. Not case-sensitive."],
];
const workspace: readonly Property[] = [
  ["workspace", "Identifier or URL slug of the workspace. Defaults to the workspace of the token."],
];
const people = { type: "array", items: { type: "string" } };
const markdown = "as Markdown; mentions and links to other items are resolved";

const things: readonly Thing[] = [
  {
    name: "pull_request",
    words: "pull requests",
    meaning: "A proposal to merge one branch into another, with its reviews and checks.",
    place: repository,
    states: ["open", "draft", "approved", "changes_requested", "merged", "closed"],
    fields: [
      ["title", "Title, at most 256 characters; the repository may require a prefix such as feat: or fix:."],
      [
        "body",
        `What changes and why, ${markdown}. The template of the repository is used when it is absent.`,
      ],
      ["head", "Branch that holds the changes, or owner:branch for one in a fork."],
      ["base", "Branch that the changes are to be merged into, usually the default branch."],
      ["draft", "Whether it is created as a draft, which cannot be merged yet.", { type: "boolean" }],
      ["reviewers", "Names of users, or organization/team, who are asked for a review.", people],
      ["maintainer_can_modify", "Whether maintainers may push to the branch.", { type: "boolean" }],
    ],
  },
  {
    name: "issue",
    words: "issues",
    meaning: "A report of a bug or a request for a feature in a repository.",
    place: repository,
    states: ["open", "closed", "completed", "not_planned", "duplicate"],
    fields: [
      ["title", "Title, at most 256 characters."],
      ["body", `What happens, what was expected and how to see it, ${markdown}.`],
      ["assignees", "Names of the users who work on it, at most ten.", people],
      ["labels", "Names of labels; those that do not exist are created with a default colour.", people],
      ["milestone", "Number of the milestone, as list_milestones returns it.", { type: "integer" }],
      [
        "type",
        "Type of the issue, if the organization has such types.",
        { enum: ["Bug", "Feature", "Task"] },
      ],
      ["parent_issue", "Number of the issue that it is a part of.", { type: "integer" }],
    ],
  },
  {
    name: "workflow_run",
    words: "workflow runs",
    meaning: "One execution of a workflow of continuous integration, with its jobs and their logs.",
    place: repository,
    states: ["queued", "in_progress", "completed", "failure", "cancelled", "timed_out", "action_required"],
    fields: [
      ["workflow_id", "Id of the workflow or the name of its file, for example ci.yaml."],
      ["ref", "Branch, tag or commit that the run uses; the default branch when it is absent."],
      [
        "inputs",
        "Inputs that the workflow declares, by name. Unknown names are refused.",
        { type: "object" },
      ],
      ["debug", "Whether the runner logs diagnostic messages of each step.", { type: "boolean" }],
      ["failed_jobs_only", "Whether only the jobs that failed are run again.", { type: "boolean" }],
      ["environment", "Environment whose protection rules and secrets apply to the jobs."],
    ],
  },
  {
    name: "release",
    words: "releases",
    meaning: "A tagged version of a repository with notes and files to download.",
    place: repository,
    states: ["draft", "prerelease", "published", "latest"],
    fields: [
      ["tag_name", "Tag of the release; it is created at target_commitish if it does not exist."],
      ["target_commitish", "Branch or commit that a new tag points to. Unused if the tag exists."],
      ["title", "Name that is shown instead of the tag."],
      ["body", `Notes of the release, ${markdown}.`],
      [
        "generate_release_notes",
        "Whether notes are generated from merged pull requests.",
        { type: "boolean" },
      ],
      ["make_latest", "Whether it becomes the latest.", { enum: ["true", "false", "legacy"] }],
    ],
  },
  {
    name: "message",
    words: "messages",
    meaning: "A message in a channel, a thread or a direct conversation.",
    place: [
      ...workspace,
      ["channel_id", "Id of the channel, for example C0123456789; names with # are resolved first."],
    ],
    states: ["unread", "pinned", "starred", "scheduled", "deleted"],
    fields: [
      ["text", `Text of at most 40,000 characters, ${markdown}. It is the fallback when blocks are given.`],
      ["thread_ts", "Time stamp of the parent message, for example 1234567890.123456: makes it a reply."],
      [
        "reply_broadcast",
        "Whether a reply in a thread is shown in the channel as well.",
        { type: "boolean" },
      ],
      ["blocks", "Layout blocks, at most 50.", { type: "array", items: { type: "object" } }],
      [
        "post_at",
        "When it is to be sent, in seconds since 1970, at most 120 days ahead.",
        { type: "integer" },
      ],
      ["unfurl_links", "Whether previews of links are shown below the text.", { type: "boolean" }],
    ],
  },
  {
    name: "channel",
    words: "channels",
    meaning: "A public or private room of a workspace with its members, topic and bookmarks.",
    place: workspace,
    states: ["public", "private", "archived", "shared", "direct"],
    fields: [
      ["name", "Name in lower case, without spaces and full stops, at most 80 characters."],
      ["is_private", "Whether only its members can find and read it.", { type: "boolean" }],
      ["topic", "What it is about at the moment, at most 250 characters."],
      ["purpose", "What it is for, at most 250 characters. Shown when somebody joins."],
      ["members", "Ids of users who are invited, at most 1,000. Deactivated users are left out.", people],
      ["retention_days", "After how many days messages are deleted; 0 keeps them.", { type: "integer" }],
    ],
  },
  {
    name: "ticket",
    words: "tickets",
    meaning: "A unit of planned work of a team, with a state, a priority, an estimate and a cycle.",
    place: [
      ...workspace,
      ["team", "Name, key or id of the team. Required where the workspace has several teams."],
    ],
    states: ["triage", "backlog", "unstarted", "started", "completed", "canceled"],
    fields: [
      ["title", "Title of the ticket."],
      ["description", `What is to be done, ${markdown}. Do not escape line breaks.`],
      ["assignee", "User id, name, email address, or me."],
      ["priority", "0 none, 1 urgent, 2 high, 3 normal, 4 low.", { type: "integer", minimum: 0, maximum: 4 }],
      ["estimate", "Size in the unit that the team has chosen.", { type: "number" }],
      ["due_date", "Day in ISO format, or null to remove it.", { type: ["string", "null"], format: "date" }],
      ["blocked_by", "Identifiers of the tickets that have to be done before, for example ENG-12.", people],
    ],
  },
  {
    name: "project",
    words: "projects",
    meaning: "Tickets of one or more teams that together have a goal, a lead, dates and milestones.",
    place: workspace,
    states: ["backlog", "planned", "started", "paused", "completed", "canceled"],
    fields: [
      ["name", "Name of the project."],
      ["summary", "Summary in at most 255 characters of plain text."],
      ["description", `Goal and scope, ${markdown}.`],
      [
        "lead",
        "Who is responsible: user id, name, email address, me, or null.",
        { type: ["string", "null"] },
      ],
      ["teams", "Names or ids of the teams that work on it. At least one.", people],
      ["start_date", "First day in ISO format.", { type: "string", format: "date" }],
      ["target_date", "Last day in ISO format.", { type: "string", format: "date" }],
    ],
  },
  {
    name: "page",
    words: "pages",
    meaning: "A document, or an entry of a database, with properties and content in blocks.",
    place: [
      ...workspace,
      ["parent_id", "UUID, with or without dashes, or URL of the page or database above it."],
    ],
    states: ["published", "draft", "archived", "in_trash", "locked"],
    fields: [
      ["title", "Title of the page. For an entry of a database: the property of the type title."],
      ["properties", "Properties by name. Their types are those of the database.", { type: "object" }],
      ["content", `Content of the page, ${markdown}. Tables, callouts and toggles have tags of their own.`],
      ["icon", "An emoji, or the URL of a picture."],
      ["cover", "URL of the picture above the title; an empty text removes it."],
      ["template_id", "UUID of a template of the database, which fills content and properties."],
    ],
  },
  {
    name: "error_group",
    words: "error groups",
    meaning: "Errors of an application with the same cause, with their events, stack traces and users.",
    place: [
      ["organization_slug", "Slug of the organization, as find_organizations returns it."],
      ["project_slug", "Slug of the project. Errors of all projects when it is absent."],
      ["region_url", "Base URL of the region, if the organization has one.", { format: "uri" }],
    ],
    states: ["unresolved", "resolved", "ignored", "regressed", "escalating", "new"],
    fields: [
      ["title", "Type and message of the error, as they are shown in lists."],
      ["assigned_to", "user:id or team:slug of who has to look at it; an empty text removes it."],
      ["level", "How bad it is.", { enum: ["fatal", "error", "warning", "info", "debug"] }],
      ["resolved_in", "Version of the release that resolves it, or inRelease for the latest one."],
      ["ignore_count", "Number of further events until it is shown again.", { type: "integer" }],
      ["comment", `Remark in its history, ${markdown}.`],
    ],
  },
  {
    name: "dashboard",
    words: "dashboards",
    meaning: "Panels that show series, logs and traces of data sources, with variables and annotations.",
    place: [
      ["folder_uid", "UID of the folder. The top folder when it is absent."],
      ["org_id", "Number of the organization. That of the token when it is absent.", { type: "integer" }],
    ],
    states: ["starred", "provisioned", "shared", "deleted", "general"],
    fields: [
      ["title", "Title; it is unique within the folder."],
      ["panels", "Panels with queries, options and place.", { type: "array", items: { type: "object" } }],
      ["variables", "Variables that queries can use as $name.", { type: "array", items: { type: "object" } }],
      ["refresh", "How often it is read again, for example 30s or 5m; an empty text: never."],
      ["timezone", "Time zone as in the tz database, or browser."],
      ["overwrite", "Whether a newer version of somebody else is replaced.", { type: "boolean" }],
    ],
  },
  {
    name: "calendar_event",
    words: "calendar events",
    meaning: "An appointment with a time, a place, guests and reminders.",
    place: [
      ["calendar_id", "Id of the calendar, or primary for the user's main calendar."],
      ["time_zone", "Time zone of the answer as in the tz database, for example Europe/Oslo."],
    ],
    states: ["confirmed", "tentative", "cancelled", "needs_action", "declined"],
    fields: [
      ["summary", "Title of the event."],
      ["description", "Agenda or notes; may contain HTML."],
      ["start", "Begin as RFC 3339 with an offset, or a day for an event of all day."],
      ["end", "End as RFC 3339 with an offset, or the day after the last one. It is exclusive."],
      ["attendees", "Email addresses of the guests. Those who are removed get a cancellation.", people],
      ["recurrence", "Rules of RFC 5545, for example RRULE:FREQ=WEEKLY;COUNT=5.", people],
      ["send_updates", "Who is notified.", { enum: ["all", "externalOnly", "none"] }],
    ],
  },
];

const paging: readonly Property[] = [
  [
    "per_page",
    "How many are returned at once, between 1 and 100.",
    { type: "integer", minimum: 1, maximum: 100, default: 30 },
  ],
  ["cursor", "Value of next_cursor of the answer before, to get the following ones. Absent: the first ones."],
];
const order: readonly Property[] = [
  ["sort", "By what they are ordered.", { enum: ["created", "updated", "priority", "relevance"] }],
  ["direction", "Order of the answer.", { enum: ["asc", "desc"], default: "desc" }],
];
const idOf = ({ words }: Thing): Property => [
  "id",
  `Number, id or URL of the one that is meant, as the tools that list or search ${words} return it.`,
];
const stateOf = ({ states, words }: Thing): Property => [
  "state",
  `Only ${words} in this state. All states when it is absent.`,
  { enum: states },
];

const format: Property = [
  "response_format",
  "How the answer is written: concise with names and ids only, detailed with all properties.",
  { enum: ["concise", "detailed"], default: "concise" },
];
const hints = [
  "- If the user gives a URL, take the ids from it and do not ask for them.",
  "- An error 403 means that the token may not do this: tell the user, do not try another way.",
  "- After an error 429 wait as long as retry_after says.",
].join("\n");

function schemaOf(properties: readonly Property[], required: readonly string[]): Json {
  const entries = properties.map(([name, description, more = {}]) => [
    name,
    { ...("type" in more ? {} : { type: "string" }), description, ...more },
  ]);
  return {
    type: "object",
    properties: Object.fromEntries(entries),
    required,
    additionalProperties: false,
    $schema: "http://json-schema.org/draft-07/schema#",
  };
}

function toolsOf(thing: Thing): readonly WorkTool[] {
  const { name, words, meaning, place, fields, states } = thing;
  const [first = "id"] = place.map(([each]) => each);
  const [title = "title"] = fields.map(([each]) => each);
  const since: Property = ["since", `Only ${words} that were changed at or after this time, as ISO 8601.`];
  const creator: Property = ["creator", `Only ${words} of this user: name, id or email address.`];
  const details: Property = [
    "include",
    "What else is returned with each one. Every part costs a further request.",
    { type: "array", items: { type: "string", enum: ["comments", "history", "people", "links"] } },
  ];
  const tool = (verb: string, text: string, properties: readonly Property[], required: readonly string[]) => {
    const own = `${verb}_${name}${verb === "list" || verb === "search" ? "s" : ""}`;
    const example = required.map((each) => `${each}="…"`).join(", ");
    return {
      name: own,
      description: `${text}\n\n<examples>\n${own}(${example})\n${own}(${example}, state="${states[0]}")\n</examples>\n\n<hints>\n${hints}\n</hints>`,
      inputSchema: schemaOf([...properties, format], required),
    };
  };
  return [
    tool(
      "list",
      `List ${words}. ${meaning} Use this tool if you know where they are and want all of them, or those in one state; for words that occur in them use search_${name}s. Returns a summary of each: id, title, state, people and times. The answer is paged: follow next_cursor until it is absent.`,
      [...place, stateOf(thing), creator, since, ...order, ...paging],
      [first],
    ),
    tool(
      "search",
      `Search ${words} by words and qualifiers. ${meaning} The query may contain quoted phrases, the operators AND, OR and NOT, and qualifiers such as author:, state:, created:>2026-01-01. Returns at most 1,000 in the order of relevance; narrow the query if there are more. Do not use it to read one that you know the id of: use get_${name}.`,
      [
        ["query", `What is looked for, in the query language of ${words}. At most 256 characters.`],
        ...place,
        stateOf(thing),
        ...order,
        ...paging,
      ],
      ["query"],
    ),
    tool(
      "get",
      `Get one of the ${words} with all its properties. ${meaning} Returns an error with the status 404 if there is none with this id, or if the token may not read it.`,
      [...place, idOf(thing), details],
      [first, "id"],
    ),
    tool(
      "create",
      `Create one of the ${words}. ${meaning} Ask the user before you create something that others are notified of. Returns the new one with its id and URL. Search for an existing one first in order not to create it twice.`,
      [...place, ...fields, ["idempotency_key", "Repeats with the same key within 24 hours create nothing."]],
      [first, title],
    ),
    tool(
      "update",
      `Change one of the ${words}. ${meaning} Only what is given is changed; lists are replaced as a whole, so get it first and send the list as it is to be. Returns what it is after the change.`,
      [
        ...place,
        idOf(thing),
        ...fields,
        stateOf(thing),
        ["expected_version", "Version that you have read; the change is refused if there is a newer one."],
      ],
      [first, "id"],
    ),
  ];
}

export const workTools: readonly WorkTool[] = things.flatMap(toolsOf);
