/** What stands in place of a secret. */
export const REDACTED = '[redacted]';

/** Begins every bearer token of the bridge, so that it is known for one wherever it turns up. */
export const TOKEN_PREFIX = 'cbt_';

/** Fields, variables and headers whose value is a secret, whatever it looks like. */
const SECRET_NAME =
  /(^|[^a-z])(auth|authorization|bearer|cookie|credentials?|otp|pass(phrase|wd|word)?|pat|pwd|secrets?|token|(user|device)[_-]?code|verifier)($|[^a-z])|[a-z0-9][_-]key$|(access|account|api|auth|client|private|refresh|secret|signing)[_-]?(key|secret|token)|password|passphrase/i;

interface Rule {
  readonly pattern: RegExp;
  readonly by: string | ((found: string, ...groups: string[]) => string);
}

/** Each is linear in the text: no nested repetition. */
const RULES: readonly Rule[] = [
  { pattern: new RegExp(`\\b${TOKEN_PREFIX}[\\w-]+`, 'g'), by: REDACTED },
  // Keys that tell by their beginning whose they are: model providers, GitHub, GitLab, npm, Slack, AWS, Google.
  {
    pattern:
      /\b(sk|pk|rk)-[\w-]{8,}|\b(gh[opusr]|glpat|npm|hf|xox[abeprs])[-_][\w-]{16,}|\bgithub_pat_\w{16,}|\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{30,}/g,
    by: REDACTED,
  },
  // A JSON Web Token.
  { pattern: /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, by: REDACTED },
  { pattern: /\b(bearer|basic) +[\w.~+/=-]{16,}/gi, by: `$1 ${REDACTED}` },
  {
    pattern: /\b(authorization["']?\s*[:=]\s*["']?)(?!\[redacted)[^\s"',;][^"',;\n]*/gi,
    by: `$1${REDACTED}`,
  },
  // Name and password in an address.
  { pattern: /(:\/\/)[^\s/@"']{1,256}@/g, by: `$1${REDACTED}@` },
  // What a login's address carries.
  {
    pattern: /(https?:\/\/[^\s?#"']{0,1024}[?#])[^\s"'<>]+/gi,
    by: (found, address = '') =>
      /auth|login|device|callback/i.test(address) ? `${address}${REDACTED}` : found,
  },
  { pattern: /\b(codes?["']?\s{0,3}[:=]?\s{0,3}["']?)[A-Z0-9]{4}-[A-Z0-9]{4,5}\b/gi, by: `$1${REDACTED}` },
  // name=value and "name": "value".
  {
    pattern:
      /((?:api[_-]?key|access[_-]?key|private[_-]?key|client[_-]?secret|secret|token|password|passwd|passphrase)["']?\s{0,3}[:=]\s{0,3}["']?)(?!\[redacted)[^\s"',;&]{4,}/gi,
    by: `$1${REDACTED}`,
  },
];

/** Whether what has this name is a secret: a field of a log line, a variable of the environment, a header. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/**
 * The text without what looks like a secret: tokens of the bridge, API keys by their form, bearer headers,
 * passwords in addresses, login addresses and codes, `name=value` with a telling name. What is known to be a
 * secret beside that is taken out by its value: `known`.
 */
export function redact(text: string, known: readonly string[] = []): string {
  let clean = text;
  for (const secret of known) if (clean.includes(secret)) clean = clean.replaceAll(secret, REDACTED);
  for (const { pattern, by } of RULES)
    clean = typeof by === 'string' ? clean.replace(pattern, by) : clean.replace(pattern, by);
  return clean;
}

/** Shorter values are words or numbers: to take them out everywhere would tell more than it hides. */
const SHORTEST_SECRET = 8;

/** Values of those variables that have a secret's name, longest first. */
export function secretsOf(env: Readonly<Record<string, string | undefined>>): string[] {
  const values = Object.entries(env).flatMap(([name, value]) =>
    // An agent's socket is a path, whatever its name says.
    value !== undefined && value.length >= SHORTEST_SECRET && isSecretName(name) && !value.startsWith('/')
      ? [value]
      : [],
  );
  return [...new Set(values)].sort((a, b) => b.length - a.length);
}
