// Markup in template literals. Values become text or attributes, never markup: names and tags may hold anything.
import htm from 'htm';
import { type ComponentChildren, h, type VNode } from 'preact';

/** What a component may give back or hold. */
export type Node = ComponentChildren;

export const html: (strings: TemplateStringsArray, ...values: unknown[]) => VNode = htm.bind(h) as never;
