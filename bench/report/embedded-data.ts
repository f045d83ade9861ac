// The result inside the page.
const TAG = '<script id="result" type="application/json">';

/** The element that holds a result. No text in it can end it: "<" would begin markup. */
export const dataElement = (result: object): string =>
  `${TAG}${JSON.stringify(result).replaceAll('<', '\\u003c')}</script>`;

/** The result that a page was made from. Throws when there is none in it. */
export function dataOf(page: string): unknown {
  const [, rest] = page.split(TAG);
  if (rest === undefined) throw new Error('there is no result in this page');
  return JSON.parse(rest.slice(0, rest.indexOf('</script>')));
}
