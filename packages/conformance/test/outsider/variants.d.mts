/** Each gives another class for that of the outsider. */
export const variants: Readonly<Record<string, <Base>(base: Base) => Base>>;
