// Readers for the values of options. Each throws InvalidArgumentError, which the command line shows with the option.
import { InvalidArgumentError } from 'commander';
import { guid } from '../guid.ts';

/** A whole number in decimal. */
export const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (value < least || value > most) throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
    return value;
  };

/** For an option that can be given several times. */
export const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

/** Names that can stand in a shell variable. */
export const variableName = (text: string, before: readonly string[] = []): readonly string[] => {
  if (!/^[A-Z0-9_]{1,64}$/.test(text)) {
    throw new InvalidArgumentError('It must consist of upper-case letters, digits and underscores.');
  }
  return [...before, text];
};

export const objectId = (text: string, before: readonly string[] = []): readonly string[] => {
  if (!guid.test(text)) {
    throw new InvalidArgumentError('It must be an object id: a GUID.');
  }
  return [...before, text];
};
