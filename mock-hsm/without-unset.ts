// Objects whose members may be unset, as in a request or from a command line.

/** The members that are set: neither undefined nor null. */
export function withoutUnset<Members extends object>(
  members: Members,
): { [Name in keyof Members]?: NonNullable<Members[Name]> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value != null)) as {
    [Name in keyof Members]?: NonNullable<Members[Name]>;
  };
}
