/** A bug to be seeded: what a change of one place in one file breaks. */

export interface Mutation {
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Occurs once in the file. */
  readonly search: string;
  readonly replace: string;
  /** The promise that it is aimed at, where no other one can notice it: that one is held alone, and longer. */
  readonly promise?: string;
  /** What is broken for a user then. */
  readonly broken: string;
}

/** The file's text with the bug in it. Throws when the place is not there, or more than once. */
export function applied({ name, file, search, replace }: Mutation, text: string): string {
  const places = text.split(search).length - 1;
  if (places !== 1) {
    throw new Error(
      `mutation ${name}: its text occurs ${places} times in ${file}, not once; adapt its row to the code`,
    );
  }
  return text.replace(search, () => replace);
}
