// What Azure calls things by.

/** A GUID as Azure writes it, in either case; the 32 digits with hyphens alone. */
export const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
