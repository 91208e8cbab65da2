// @ts-check
/**
 * The last lines of a start: what serves, and three commands that work when pasted into a shell in their order, each time.
 * @param {string} base @param {string[]} engines how each describes itself @param {string} ai who answers @param {{ isOpen?: boolean, hasDocs?: boolean }} [api] `isOpen`: other machines reach it
 * @returns {string[]}
 */
export function whatToTry(base, engines, ai, { isOpen = false, hasDocs = true } = {}) {
  const api = `${base}/api/v1`;
  const json = "-H 'Content-Type: application/json'";
  const auth = '-H "Authorization: Bearer $TOKEN"';
  /** @param {string} field */
  const take = (field) => `node -pe 'JSON.parse(fs.readFileSync(0)).${field}'`;
  return [
    '',
    ...engines.map((engine) => `  ${engine}`),
    `  ${ai}`,
    '',
    ...(isOpen
      ? []
      : ['For a phone on the same network, start with HOST=0.0.0.0: now only this machine reaches it.', '']),
    `EdgeChat serves at ${base}${hasDocs ? ` (documentation: ${base}/docs)` : ''}. Ctrl-C ends it. Try, in another terminal:`,
    '',
    // The address is another one each time, in any shell.
    `TOKEN=$(curl -s ${api}/auth/register ${json} -d '{"email":"you-'$(node -p 'crypto.randomUUID().slice(0,8)')'@example.com","password":"correct horse battery"}' | ${take('access_token')})`,
    `CONVERSATION=$(curl -s ${api}/chat/conversations ${auth} ${json} -d '{}' | ${take('id')})`,
    `curl -s ${api}/chat/conversations/$CONVERSATION/messages ${auth} ${json} -d '{"content":"Hello! Who are you?"}'; echo`,
  ];
}
