import { UsageError } from './exit.ts';

/** One of the allowed words. @throws UsageError */
export function oneOf<T extends string>(
  option: string,
  value: string,
  allowed: readonly T[] | Readonly<Record<string, T>>,
): T {
  const words = Object.values(allowed);
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  throw new UsageError(`${option} wants one of ${words.join(', ')}, not "${value}".`);
}
