// The page: its frame, and which view is shown. The address after `#` says which, so that views can be linked to.
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { AccessView } from './access-view.ts';
import { FaultsView } from './faults-view.ts';
import { html, type Node } from './html.ts';
import { KeyView } from './key-view.ts';
import { KeysView } from './keys-view.ts';
import { TrafficView } from './traffic-view.ts';

interface View {
  readonly title: string;
  /** @param rest what follows in the address */
  show(rest: string): Node;
}

const views: Readonly<Record<string, View>> = {
  traffic: { title: 'Traffic', show: () => html`<${TrafficView} />` },
  keys: {
    title: 'Keys',
    show: (name) => (name === '' ? html`<${KeysView} />` : html`<${KeyView} key=${name} name=${name} />`),
  },
  access: { title: 'Access', show: () => html`<${AccessView} />` },
  faults: { title: 'Faults', show: () => html`<${FaultsView} />` },
};

function useAddress(): string {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return hash;
}

function Page() {
  const [, name = '', rest = ''] = /^#(\w*)\/?(.*)$/.exec(useAddress()) ?? [];
  const current = Object.hasOwn(views, name) ? name : 'traffic';
  const title = views[current]?.title ?? '';
  useEffect(() => {
    document.title = `${title} · mock-hsm`;
  }, [title]);
  return html`
    <a class="skip" href="#content" onClick=${skip}>Skip to content</a>
    <header class="top">
      <div class="brand">
        <img src="/mock/page/icon.svg" alt="" width="28" height="28" />
        <div><h1>mock-hsm</h1><p>${location.host}</p></div>
      </div>
      <nav aria-label="Views">
        ${Object.entries(views).map(
          ([id, view]) =>
            html`<a key=${id} href=${`#${id}`} aria-current=${id === current ? 'page' : undefined}>${view.title}</a>`,
        )}
      </nav>
    </header>
    <main id="content" tabindex="-1">${views[current]?.show(decoded(rest))}</main>
  `;
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('content')?.focus();
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const root = document.getElementById('page');
if (root !== null) {
  root.replaceChildren();
  render(html`<${Page} />`, root);
}
