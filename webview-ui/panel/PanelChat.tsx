import { Approvals } from '../chat/Approvals.tsx';
import { Composer } from '../chat/Composer.tsx';
import { Held } from '../chat/Held.tsx';
import type { ChatStore } from '../chat/store.ts';
import { Transcript } from '../chat/Transcript.tsx';
import { FailureLine, ProblemLine, Welcome } from '../chat/Welcome.tsx';

/**
 * The chat as in the side bar, without the list of sessions: a panel shows one.
 *
 * @param asks whether what Codex asks is shown here; else another tab has it
 */
export function PanelChat({ store, asks }: { store: ChatStore; asks: boolean }) {
  const { problem } = store.window.value;
  const blocked = problem?.kind === 'no_folder' || problem?.kind === 'untrusted';
  return (
    <>
      <main>{store.turns.value.length > 0 ? <Transcript store={store} /> : <Welcome store={store} />}</main>
      <ProblemLine store={store} />
      <FailureLine store={store} />
      {asks && <Approvals store={store} />}
      <Held store={store} />
      {!blocked && <Composer store={store} />}
    </>
  );
}
