// The frame of every page: navigation, who is signed in, theme, and the page that the address names.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { accessInDoubt, callApi, sessionPath } from "./api.ts";
import { Icon, type IconName } from "./components/icon.tsx";
import { Empty, Loading, Problem, signInAddress } from "./components/states.tsx";
import { Link } from "./link.tsx";
import { home, type Place, usePlace, withRange } from "./location.ts";
import type { PageProps } from "./page-props.ts";
import { type Page, pages } from "./page-table.ts";
import { SignInPage } from "./pages/sign-in.tsx";
import { SessionContext, type SessionState, useSession } from "./session.ts";
import { saveTheme, savedTheme, type Theme, themeAfter } from "./theme.ts";
import { useApi } from "./use-api.ts";

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

function pageAt({ path }: Place): { readonly page: Page | null; readonly rest: readonly string[] } {
  const [name = "", ...rest] = path.slice(home.length).split("/").filter(Boolean).map(decoded);
  return { page: pages.find((page) => page.name === name) ?? null, rest };
}

const addressOf = ({ name }: Page): string => (name === "" ? home : `${home}/${name}`);

function Navigation({
  place,
  current,
}: {
  readonly place: Place;
  readonly current: Page | null;
}): JSX.Element {
  return (
    <nav id="navigation" aria-label="Pages">
      {(["Traffic", "Gateway"] as const).map((group) => {
        const shown = pages.filter((page) => page.group === group);
        if (shown.length === 0) return null;
        return (
          <div key={group} class="nav-group">
            <p class="nav-title">{group}</p>
            <ul>
              {shown.map((page) => (
                <li key={page.name}>
                  <Link
                    to={withRange(addressOf(page), place.query)}
                    isCurrent={page === current}
                    class="nav-link"
                  >
                    <Icon name={page.icon} />
                    {page.title}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        );
      })}
    </nav>
  );
}

/** A session can end by itself, and the gateway can go: the page says so soon after. */
const sessionMs = 30_000;

const themeIcons: Readonly<Record<Theme, IconName>> = { system: "system", light: "sun", dark: "moon" };

function ThemeSwitch(): JSX.Element {
  const [theme, setTheme] = useState(savedTheme);
  const next = themeAfter(theme);
  const change = (): void => {
    saveTheme(next);
    setTheme(next);
  };
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={`Theme: ${theme}. Change to ${next}.`}
      title={`Theme: ${theme}`}
      onClick={change}
    >
      <Icon name={themeIcons[theme]} />
    </button>
  );
}

function Viewer(): JSX.Element | null {
  const { data, reload } = useSession();
  if (data === null) return null;
  if (!data.signed_in)
    return data.can_write || !data.can_read ? null : (
      <Link to={signInAddress()} class="quiet">
        Reading only · Sign in
      </Link>
    );
  const signOut = async (): Promise<void> => {
    try {
      await callApi("/api/session", { method: "DELETE" });
    } finally {
      // The answer of the gateway says what the viewer may do now, whatever became of the request.
      reload();
    }
  };
  return (
    <button type="button" class="quiet" onClick={() => void signOut()}>
      Sign out
    </button>
  );
}

type ContentProps = PageProps & { readonly page: Page | null };

/** Whoever may not read signs in where the page would be, and then is where they wanted to go. */
function Content({ place, page, rest }: ContentProps): JSX.Element {
  const { data, error, reload } = useSession();
  if (data === null) return error === null ? <Loading /> : <Problem error={error} retry={reload} />;
  const Component = page?.component;
  return (
    <>
      {error === null ? null : (
        <p class="notice" role="alert">
          {error.message} What is shown is from before; it goes on by itself.
        </p>
      )}
      {Component === undefined ? (
        <Empty title="There is no such page.">
          <Link to={home}>To the overview</Link>
        </Empty>
      ) : data.can_read ? (
        <Component place={place} rest={rest} />
      ) : (
        <SignInPage place={place} rest={rest} />
      )}
    </>
  );
}

export function Shell(): JSX.Element {
  const place = usePlace();
  const { page, rest } = pageAt(place);
  const [isMenuOpen, setMenuOpen] = useState(false);
  const session = useApi<SessionState>(sessionPath, { everyMs: sessionMs });
  useEffect(() => {
    addEventListener(accessInDoubt, session.reload);
    return () => removeEventListener(accessInDoubt, session.reload);
  }, [session.reload]);
  useEffect(() => setMenuOpen(false), [place.path]);
  useEffect(() => {
    document.title = `${page?.title ?? "No such page"} · ClawGate`;
  }, [page]);
  return (
    <SessionContext.Provider value={session}>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <div class={`shell ${isMenuOpen ? "menu-open" : ""}`}>
        <header class="side">
          <div class="side-top">
            <Link to={withRange(home, place.query)} class="brand" label="ClawGate: overview">
              <span class="brand-mark" aria-hidden="true" />
              ClawGate
            </Link>
            <button
              type="button"
              class="icon-button menu-button"
              aria-label="Menu"
              aria-expanded={isMenuOpen}
              aria-controls="navigation"
              onClick={() => setMenuOpen(!isMenuOpen)}
            >
              <Icon name={isMenuOpen ? "close" : "menu"} />
            </button>
          </div>
          <Navigation place={place} current={page} />
          <div class="side-foot">
            <Viewer />
            <a href="/docs" class="quiet">
              Manual
            </a>
            <ThemeSwitch />
          </div>
        </header>
        <main id="content" tabIndex={-1}>
          <Content place={place} page={page} rest={rest} />
        </main>
      </div>
    </SessionContext.Provider>
  );
}
