// poolgate as a process.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const BINARY = process.env.POOLGATE_BIN ?? '../../../target/debug/poolgate';

/** Starts poolgate on free ports; tells where it is served, and the process to end. */
export async function serve(environment, command = ['serve']) {
  const process = spawn(BINARY, command, {
    env: {
      POOLGATE_SERVER__LISTEN: '127.0.0.1:0',
      POOLGATE_ADMIN__LISTEN: 'off',
      POOLGATE_LOG__FORMAT: 'json',
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  for await (const line of createInterface({ input: process.stderr })) {
    const { address, admin } = JSON.parse(line);
    if (address) {
      process.stderr.resume();
      return { address, admin, process };
    }
  }
  throw new Error('poolgate ended at its start');
}
