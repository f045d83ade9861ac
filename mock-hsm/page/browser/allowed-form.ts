// "Is this allowed?": asks the mock's evaluator and shows what each role assignment does for the question.
import { useState } from 'preact/hooks';
import type { AllowedAnswer, ConsideredAssignment, OperationView, PrincipalView } from '../api.ts';
import { html } from './html.ts';
import { Badge, Failure, Panel, Table } from './pieces.ts';
import { getJson, messageOf } from './remote.ts';

interface Props {
  readonly operations: readonly OperationView[];
  readonly principals: readonly PrincipalView[];
}

export function AllowedForm({ operations, principals }: Props) {
  const [answer, setAnswer] = useState<AllowedAnswer>();
  const [refusal, setRefusal] = useState<string>();
  const ask = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const field = (name: string) => String(form.get(name) ?? '').trim();
    const query = new URLSearchParams({
      principal: field('principal'),
      action: field('action'),
      scope: field('scope'),
    });
    try {
      setAnswer(await getJson<AllowedAnswer>(`/mock/allowed?${query}`));
      setRefusal(undefined);
    } catch (error) {
      setAnswer(undefined);
      setRefusal(messageOf(error));
    }
  };
  const dataActions = [...new Set(operations.map(({ dataAction }) => dataAction))].sort();
  return html`
    <${Panel} title="Is this allowed?">
      <form class="form question" onSubmit=${ask}>
        <label>
          <span>Principal</span>
          <input name="principal" list="principals" required autocomplete="off" placeholder="name or object id" />
          <datalist id="principals">${principals.map(({ name, objectId }) => html`<option key=${objectId} value=${name}>${objectId}</option>`)}</datalist>
        </label>
        <label>
          <span>Operation or data action</span>
          <input name="action" list="operations" required autocomplete="off" placeholder="sign" />
          <datalist id="operations">
            ${operations.map(({ operation, dataAction }) => html`<option key=${operation} value=${operation}>${dataAction}</option>`)}
            ${dataActions.map((each) => html`<option key=${each} value=${each}></option>`)}
          </datalist>
        </label>
        <label>
          <span>Scope</span>
          <input name="scope" required autocomplete="off" placeholder="/, /keys or /keys/NAME" />
        </label>
        <div class="actions"><button type="submit" class="primary">Explain</button></div>
      </form>
      <${Failure} text=${refusal} />
      ${answer !== undefined && html`<${Answer} of=${answer} />`}
    <//>
  `;
}

function Answer({ of: { allowed, principal, dataAction, scope, considered, notYetInEffect } }: { of: AllowedAnswer }) {
  const granting = considered.find(({ outcome }) => outcome === 'allows');
  return html`
    <div class=${`verdict ${allowed ? 'good' : 'bad'}`} role="status">
      <p>
        <strong>${allowed ? 'Allowed' : 'Denied'}</strong> ${principal} ${allowed ? 'may' : 'may not'} do <code>${dataAction}</code> on <code>${scope}</code>.
      </p>
      <p>${notYetInEffect ? 'The role assignments below say otherwise: their last change is not in effect yet.' : reason(granting, considered.length)}</p>
    </div>
    ${
      considered.length > 0 &&
      html`
        <${Table} label="Role assignments of the principal" columns=${['What it does', 'Role', 'Scope', 'Through']}>
          ${considered.map((each) => html`<${Row} key=${each.id} of=${each} scope=${scope} />`)}
        <//>
      `
    }
  `;
}

function reason(granting: ConsideredAssignment | undefined, all: number): string {
  if (granting !== undefined) {
    const through = granting.group === undefined ? '' : ` through the group ${granting.group}`;
    return `The role ${granting.role}, assigned at ${granting.scope}${through}, allows it.`;
  }
  if (all === 0) return 'It has no role assignment, and none of its groups has one.';
  return all === 1 ? 'Its only role assignment does not allow it.' : `None of its ${all} role assignments allows it.`;
}

/** What an outcome means, by its name in the answer. */
const meanings: Readonly<Record<string, (scope: string, own: string) => string>> = {
  allows: () => 'allows it',
  'scope does not cover': (scope, own) => `does not help: ${own} does not cover ${scope}`,
  'role was deleted': () => 'does not help: its role was deleted',
  'role lacks the action': () => 'does not help: the role lacks the data action',
  'excluded by notDataActions': () => 'does not help: notDataActions of the role exclude it',
};

const Row = ({ of: { role, scope: own, group, outcome }, scope }: { of: ConsideredAssignment; scope: string }) => html`
  <tr>
    <td class="why"><${Badge} tone=${outcome === 'allows' ? 'good' : 'plain'}>${meanings[outcome]?.(scope, own) ?? outcome}<//></td>
    <td>${role ?? html`<span class="faint">deleted role</span>`}</td>
    <td><code>${own}</code></td>
    <td>${group === undefined ? 'itself' : `group ${group}`}</td>
  </tr>
`;
