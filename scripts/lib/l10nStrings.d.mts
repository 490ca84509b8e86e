export interface FoundText {
  readonly message: string;
  readonly file: string;
  readonly line: number;
}

export interface FoundTexts {
  readonly messages: FoundText[];
  readonly faults: FoundText[];
}

export function findTexts(): FoundTexts;
export function bundleOf(messages: readonly FoundText[]): string;
export function textsOf(source: string, file: string): FoundTexts;
