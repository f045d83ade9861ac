// Who may do what: the question, role assignments, role definitions, principals.
import type { PrincipalsAnswer, RolesAnswer, RoleView } from '../api.ts';
import { AllowedForm } from './allowed-form.ts';
import { html } from './html.ts';
import { Badge, Empty, Failure, Id, Panel, Table } from './pieces.ts';
import { usePolled } from './remote.ts';

const askEveryMs = 3000;

export function AccessView() {
  const { data: roles, failure } = usePolled<RolesAnswer>('/mock/roles', askEveryMs);
  const { data: people } = usePolled<PrincipalsAnswer>('/mock/principals', askEveryMs);
  return html`
    <${Failure} text=${failure} />
    ${
      roles !== undefined &&
      html`
        <${AllowedForm} operations=${roles.operations} principals=${people?.principals ?? []} />
        <${Panel} title="Role assignments"><${Assignments} of=${roles} /><//>
        <${Panel} title="Role definitions"><div class="roles">${roles.definitions.map((role) => html`<${Role} key=${role.id} of=${role} />`)}</div><//>
      `
    }
    ${people !== undefined && html`<${Panel} title="Principals" aside=${html`<p class="hint">tenant <code>${people.tenantId}</code></p>`}><${Principals} of=${people} /><//>`}
  `;
}

function Assignments({ of: { assignments } }: { of: RolesAnswer }) {
  if (assignments.length === 0) return html`<${Empty}>No role assignments: nobody may do anything.<//>`;
  return html`
    <${Table} label="Role assignments" columns=${['Principal', 'Object id', 'Role', 'Scope']}>
      ${assignments.map(
        ({ id, principal, kind, principalId, role, scope }) => html`
          <tr key=${id} title=${id}>
            <td>${principal ?? html`<span class="faint">not in the directory</span>`} ${kind !== undefined && html`<span class="faint">${words(kind)}</span>`}</td>
            <td><${Id} of=${principalId} /></td>
            <td>${role ?? html`<${Badge} tone="bad">deleted role<//>`}</td>
            <td><code>${scope}</code></td>
          </tr>
        `,
      )}
    <//>
  `;
}

function Role({ of: { name, id, builtIn, permissions } }: { of: RoleView }) {
  const actions = permissions.reduce((sum, { dataActions }) => sum + dataActions.length, 0);
  return html`
    <details>
      <summary>${name} <span class="faint">${builtIn ? '' : 'custom, '}${actions} data actions</span></summary>
      <p class="hint"><code>${id}</code></p>
      ${permissions.map(
        ({ dataActions, notDataActions }) => html`
          <ul class="actions-list">
            ${dataActions.map((each) => html`<li key=${each}><code>${shortAction(each)}</code></li>`)}
            ${notDataActions.map((each) => html`<li key=${`not ${each}`}><${Badge} tone="warn">not<//> <code>${shortAction(each)}</code></li>`)}
          </ul>
        `,
      )}
    </details>
  `;
}

function Principals({ of: { principals } }: { of: PrincipalsAnswer }) {
  if (principals.length === 0) return html`<${Empty}>Nobody is in the directory.<//>`;
  return html`
    <${Table} label="Principals" columns=${['Name', 'Type', 'Object id', 'Client id', 'Groups']}>
      ${principals.map(
        ({ name, kind, objectId, clientId, groups }) => html`
          <tr key=${objectId}>
            <td>${name}</td>
            <td>${words(kind)}</td>
            <td><${Id} of=${objectId} /></td>
            <td>${clientId !== undefined && html`<${Id} of=${clientId} />`}</td>
            <td>${groups.join(', ')}</td>
          </tr>
        `,
      )}
    <//>
  `;
}

/** `ServicePrincipal` → `service principal`. */
const words = (kind: string): string => kind.replace(/(?<=.)(?=[A-Z])/g, ' ').toLowerCase();

/** Without the prefix that all have. */
export const shortAction = (dataAction: string): string =>
  dataAction.replace(/^Microsoft\.KeyVault\/managedHsm\//i, '');
