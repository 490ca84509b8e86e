import type { ErrorInfo } from '../../src/shared/errors.ts';
import { Icon } from '../chat/Icon.tsx';

/** Why something was not done, at the place where it was asked for. */
export function Refusal({ error }: { error: ErrorInfo | undefined }) {
  if (error === undefined) return null;
  return (
    <p class="refusal" role="alert">
      <Icon name="error" />
      <span>{error.message}</span>
    </p>
  );
}
