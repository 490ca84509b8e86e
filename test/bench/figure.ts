/** One measured number, with the limit that the project set itself where there is one. */
export interface Figure {
  readonly group: string;
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | 'MB' | 'KB' | '×' | '%' | 'turns';
  /** `value` must not be above `most`, or not below `least`. */
  readonly most?: number;
  readonly least?: number;
  /** How it was measured, where the name does not say it. */
  readonly note?: string;
}

export function holds(figure: Figure): boolean {
  return (
    (figure.most === undefined || figure.value <= figure.most) &&
    (figure.least === undefined || figure.value >= figure.least)
  );
}

/** The value below which the given share of the samples lies: 0.5 is the median. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new Error('no samples');
  return value;
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}
