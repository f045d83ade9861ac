import type { Driver } from '../../native/test/driver.ts';

/** A C program with the module loaded. Imported when it is asked for: the driver is compiled at its import. */
export async function driveModule(module: string, environment: Record<string, string>): Promise<Driver> {
  const { BUILD, Driver } = await import('../../native/test/driver.ts');
  return Driver.load(BUILD, environment, module);
}
