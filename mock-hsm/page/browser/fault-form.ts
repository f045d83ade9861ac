// A form for any fault, made from the fields that the mock says faults have.
import { useState } from 'preact/hooks';
import type { FaultField, FaultFormAnswer } from '../api.ts';
import { html } from './html.ts';
import { Failure } from './pieces.ts';
import { messageOf, send, usePolled } from './remote.ts';

/** Names for people; a field without one is called what it is called. */
const labels: Readonly<Record<string, string>> = {
  operation: 'Operation',
  key: 'Key',
  method: 'Method',
  times: 'Times (a number or always)',
  probability: 'Probability (0 to 1)',
  forMs: 'Lasts (ms)',
  delayMs: 'Delay (ms)',
  status: 'Status',
  code: 'Error code',
  retryAfterS: 'Retry-After (s)',
  retryAfterForm: 'Retry-After as',
  body: 'Body',
  contentType: 'Content type',
  dripMs: 'Answer drips over (ms)',
  cut: 'Cut the connection',
  reset: 'Cut with a reset',
  silent: 'No answer',
  lastRequest: 'Close after the answer',
  refuse: 'Refuse TLS',
};

const rarelyChanges = 3_600_000;

export function FaultForm({ added }: { added: () => void }) {
  const { data: form, failure } = usePolled<FaultFormAnswer>('/mock/faults/form', rarelyChanges);
  const [refusal, setRefusal] = useState<string>();
  if (form === undefined) return html`<${Failure} text=${failure} />`;
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const element = event.currentTarget as HTMLFormElement;
    try {
      await send('POST', '/mock/faults', faultOf(new FormData(element), form.fields));
      element.reset();
      setRefusal(undefined);
      added();
    } catch (error) {
      setRefusal(messageOf(error));
    }
  };
  return html`
    <form class="form" onSubmit=${submit}>
      ${Object.entries(form.fields).map(([name, field]) => html`<${Field} key=${name} name=${name} field=${field} operations=${form.operations} />`)}
      <div class="actions"><button type="submit" class="primary">Switch on</button></div>
    </form>
    <${Failure} text=${refusal} />
  `;
}

interface FieldProps {
  readonly name: string;
  readonly field: FaultField;
  readonly operations: readonly string[];
}

function Field({ name, field, operations }: FieldProps) {
  const label = labels[name] ?? name;
  if (field.type === 'boolean')
    return html`<label class="check"><input type="checkbox" name=${name} /> ${label}</label>`;
  const choices = name === 'operation' ? operations : field.enum;
  const none = name === 'operation' ? 'any' : '–';
  return html`
    <label>
      <span>${label}</span>
      ${
        choices === undefined
          ? html`<input name=${name} autocomplete="off" inputmode=${isNumber(field) ? 'decimal' : undefined} />`
          : html`<select name=${name}><option value="">${none}</option>${choices.map((each) => html`<option>${each}</option>`)}</select>`
      }
    </label>
  `;
}

const isNumber = ({ type }: FaultField): boolean => type === 'number' || type === 'integer';

/** The fault that a filled form stands for: what is empty is left out. */
function faultOf(form: FormData, fields: FaultFormAnswer['fields']): Record<string, unknown> {
  const fault: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const text = String(form.get(name) ?? '').trim();
    if (text === '') continue;
    const mayBeNumber = isNumber(field) || field.anyOf?.some(isNumber) === true;
    fault[name] = field.type === 'boolean' ? true : mayBeNumber && !Number.isNaN(Number(text)) ? Number(text) : text;
  }
  return fault;
}
