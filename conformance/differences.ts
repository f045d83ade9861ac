/** Where another library keeps a promise of the standard otherwise, and why: by subject, by promise. */
export const differences: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  softhsm: {},
};
