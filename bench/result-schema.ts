import { z } from 'zod';
import { result } from './result.ts';

/** JSON Schema (2020-12) of a result, as text of bench/result.schema.json. */
export function schemaText(): string {
  return `${JSON.stringify(z.toJSONSchema(result, { io: 'input' }), null, 2)}\n`;
}
