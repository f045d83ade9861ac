/** What may go to a terminal: texts from the HSM or a command line could hold characters that write over it. */

const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

/** The text in one line, with control, formatting and line-separating characters as escapes. */
export function printable(text: string): string {
  return text.replaceAll(HIDDEN, escaped);
}
