// Where a model is bought: the same name may have another price and another window elsewhere. A type only.

/** `providerId` is the price table's own name for a vendor and takes precedence over the address. */
export type Seller = { readonly baseUrl: string | null; readonly providerId?: string | null };
