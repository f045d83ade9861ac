// Pages of lists: `{value, nextLink?}`, with the place to go on at in a $skiptoken.
import { badParameter } from '../service-error.ts';

export interface PageRequest {
  readonly count: number;
  /** Last element of the page before; '' for the first page. */
  readonly after: string;
}

const maxPage = 25;

/** Reads `maxresults` (1..25, default 25) and `$skiptoken`. Throws BadParameter. */
export function readPageRequest(query: Readonly<Record<string, unknown>>): PageRequest {
  const text = query.maxresults ?? String(maxPage);
  const count = typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > maxPage) throw badParameter(`maxresults is ${String(text)}; it must be 1 to ${maxPage}`);
  const token = query.$skiptoken ?? '';
  if (typeof token !== 'string') throw badParameter('$skiptoken is given twice');
  return { count, after: Buffer.from(token, 'base64url').toString() };
}

/**
 * Makes the answer from one element more than the page holds: the surplus one only tells that there is a next page.
 * @param url origin and path of the list
 */
export function pageOf<Element>(
  elements: readonly Element[],
  page: PageRequest,
  url: string,
  nameOf: (element: Element) => string,
): { elements: readonly Element[]; nextLink?: string } {
  const last = elements[page.count - 1];
  if (elements.length <= page.count || last === undefined) return { elements };
  const token = Buffer.from(nameOf(last)).toString('base64url');
  const nextLink = `${url}?maxresults=${page.count}&$skiptoken=${token}`;
  return { elements: elements.slice(0, page.count), nextLink };
}
