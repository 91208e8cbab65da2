import { startProviderServer } from './provider-server.js';

/*
 * The provider server as a process of its own, for tests from outside: PROVIDER_SERVER_PORT (0: any) → one JSON line with
 * `url` and `baseUrls` on stdout; SIGTERM and SIGINT end it.
 */
const server = await startProviderServer({ port: Number(process.env['PROVIDER_SERVER_PORT'] ?? 0) });
process.stdout.write(`${JSON.stringify({ url: server.url, baseUrls: server.baseUrls })}\n`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void server.stop());
