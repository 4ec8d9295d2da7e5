export const variants: Readonly<Record<string, unknown>>;
