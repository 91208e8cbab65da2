import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, stop } from 'esbuild';
import { TEST_CERTIFICATE } from './test-certificate.js';

const ROOT = join(import.meta.dirname, '../../../..');

/**
 * Runs a program of this folder in a process of its own, which trusts the certificate of the tests: for what a process settles once, at its start (certificates, the clock). Resolves to what it
 * printed, as JSON.
 */
export async function inChild(contents: string): Promise<unknown> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    write: false,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    tsconfig: join(ROOT, 'tsconfig.base.json'),
  });
  await stop();
  const folder = mkdtempSync(join(tmpdir(), 'edgechat child '));
  try {
    writeFileSync(join(folder, 'ca.pem'), TEST_CERTIFICATE);
    return JSON.parse(await run(outputFiles[0]?.text ?? '', join(folder, 'ca.pem')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(program: string, ca: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module'], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], NODE_EXTRA_CA_CERTS: ca },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let printed = '';
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  child.stdin.end(program);
  return new Promise((resolve, reject) => {
    child.once('close', (code) =>
      code === 0 ? resolve(printed) : reject(new Error(`the child ended with ${code}: ${complaints.slice(-2_000)}`)),
    );
  });
}
