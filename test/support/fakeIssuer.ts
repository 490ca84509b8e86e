import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What {@link FakeIssuer} says of whoever logs in. */
export const PERSON = { email: 'ada@example.com', plan: 'pro' } as const;

const ACCOUNT = 'acc_1';
export const USER_CODE = 'ABCD-12345';

/** In place of OpenAI's login server and of ChatGPT's backend, as far as a login of Codex asks them. */
export class FakeIssuer {
  readonly #server: Server;
  /** The person has typed in the code. */
  #approved = false;
  /** Paths that were asked for, in order. */
  readonly asked: string[] = [];

  static async start(): Promise<FakeIssuer> {
    const issuer = new FakeIssuer();
    issuer.#server.listen(0, '127.0.0.1');
    await once(issuer.#server, 'listening');
    return issuer;
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      const path = new URL(request.url ?? '/', 'http://issuer').pathname;
      this.asked.push(path);
      const { status, body } = this.#answer(path);
      request.resume().on('end', () => {
        response.writeHead(status, {
          'content-type': typeof body === 'string' ? 'text/html' : 'application/json',
        });
        response.end(typeof body === 'string' ? body : JSON.stringify(body));
      });
    });
  }

  get url(): string {
    // Listening: its address is one with a port.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Variables with which Codex asks here. */
  get env(): Record<string, string> {
    return {
      CODEX_APP_SERVER_LOGIN_ISSUER: this.url,
      CODEX_REVOKE_TOKEN_URL_OVERRIDE: `${this.url}/revoke`,
      CODEX_REFRESH_TOKEN_URL_OVERRIDE: `${this.url}/refresh`,
    };
  }

  /** A line for config.toml. */
  get config(): string {
    return `chatgpt_base_url = "${this.url}/backend-api"`;
  }

  /** The person types in the code; Codex asks every second whether it is so. */
  approve(): void {
    this.#approved = true;
  }

  /** The person signs in on the page, which sends the browser back to Codex. */
  static async callBack(authUrl: string): Promise<Response> {
    const { searchParams } = new URL(authUrl);
    const back = new URL(searchParams.get('redirect_uri') ?? '');
    back.searchParams.set('code', 'a-code');
    back.searchParams.set('state', searchParams.get('state') ?? '');
    return fetch(back);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer(path: string): { status: number; body: unknown } {
    switch (path) {
      case '/api/accounts/deviceauth/usercode':
        return { status: 200, body: { device_auth_id: 'd', user_code: USER_CODE, interval: '1' } };
      case '/api/accounts/deviceauth/token':
        return this.#approved
          ? { status: 200, body: { authorization_code: 'a-code', code_challenge: 'c', code_verifier: 'v' } }
          : { status: 403, body: {} };
      case '/oauth/token':
        return { status: 200, body: { id_token: token(), access_token: token(), refresh_token: 'refresh' } };
      case '/backend-api/wham/accounts/check':
        return { status: 200, body: accounts() };
      case '/oauth/authorize':
      case '/codex/device':
        return { status: 200, body: '<!DOCTYPE html><title>Sign in</title><h1>Sign in</h1>' };
      case '/revoke':
        return { status: 200, body: {} };
      default:
        return { status: 404, body: {} };
    }
  }
}

function accounts() {
  const account = {
    id: ACCOUNT,
    plan_type: PERSON.plan,
    name: 'Personal',
    structure: 'personal',
    workspace_backend_origin: 'https://chatgpt.com',
    account_routing_override: 'NO_CONSTRAINT',
  };
  return { accounts: [account], account_ordering: [ACCOUNT], default_account_id: ACCOUNT };
}

/** A token that nobody has signed: Codex only reads it. */
function token(): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    email: PERSON.email,
    exp: Math.floor(Date.now() / 1000) + 3600,
    'https://api.openai.com/auth': {
      chatgpt_plan_type: PERSON.plan,
      chatgpt_account_id: ACCOUNT,
      chatgpt_user_id: 'u_1',
    },
  };
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.${part('signature')}`;
}
