// Where a model is bought: the same name may mean another price and another window elsewhere. A type only.

/** `providerId` is the price table's own name for a vendor and wins over the address. */
export type Seller = { readonly baseUrl: string | null; readonly providerId?: string | null };
