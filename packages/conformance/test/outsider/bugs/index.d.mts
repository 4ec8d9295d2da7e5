interface Bug {
  readonly owner: string;
  readonly change: <Base>(base: Base) => Base;
}

export const bugs: Readonly<Record<string, Bug>>;
