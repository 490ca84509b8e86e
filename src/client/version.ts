/** Whether version `a` comes before `b`. Only `MAJOR.MINOR.PATCH` counts; what follows it is passed over. */
export function isOlder(a: string, b: string): boolean {
  const left = numbers(a);
  const right = numbers(b);
  const different = left.findIndex((part, index) => part !== right[index]);
  return different >= 0 && (left[different] ?? 0) < (right[different] ?? 0);
}

function numbers(version: string): number[] {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  return [0, 1, 2].map((index) => parts[index] || 0);
}
