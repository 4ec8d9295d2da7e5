export const bugs: Readonly<Record<string, { readonly owner: string }>>;
