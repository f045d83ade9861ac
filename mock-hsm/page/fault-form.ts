// What the form for faults is made of: the model itself, so that a new kind of fault needs no change of the page.
import { z } from 'zod';
import { faultBody } from '../traffic/fault-model.ts';
import type { Faults } from '../traffic/faults.ts';
import type { FaultFormAnswer } from './api.ts';

const model = z.toJSONSchema(faultBody, { io: 'input' }) as { readonly properties?: FaultFormAnswer['fields'] };

/** Without `closeConnection`, which is another word for `cut`. */
export function faultFormAnswer({ operations }: Faults): FaultFormAnswer {
  const { closeConnection: _, ...fields } = model.properties ?? {};
  return { operations, fields };
}
