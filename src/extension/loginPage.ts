/**
 * ChatGPT's page sends the browser back to a port of the machine where Codex runs. From another machine that
 * works only if the same port leads there: VS Code forwards one to a desktop, a browser's proxy does not.
 */
export function callbackOf(loginUrl: string): string | undefined {
  const { searchParams } = new URL(loginUrl);
  const back = searchParams.get('redirect_uri');
  return back !== null && URL.canParse(back) ? new URL(back).origin : undefined;
}

/** Whether what VS Code made of the callback's address is still that address, as the browser will ask for it. */
export function leadsBack(callback: string, external: string): boolean {
  if (!URL.canParse(external)) return false;
  const [wanted, got] = [new URL(callback), new URL(external)];
  const loopback = ['localhost', '127.0.0.1', '[::1]'];
  return loopback.includes(got.hostname) && got.port === wanted.port && got.pathname === '/';
}
