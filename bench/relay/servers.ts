/** Servers that forward UDP and come as Debian packages, set up for one processor and nothing but forwarding. */

import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Returns where a program is, if it is on the path. */
export function installedAt(program: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

/** Writes the configuration of an nginx stream proxy in one process and returns the command that runs it. */
export function nginxCommand(folder: string, clientPort: number, peerPort: number): [string, ...string[]] {
  // A package of its own in Debian; elsewhere it may be built in.
  const module = join(dirname(installedAt('nginx') ?? ''), '../lib/nginx/modules/ngx_stream_module.so')
  const configuration = `
    ${existsSync(module) ? `load_module ${module};` : ''}
    daemon off;
    master_process off;
    pid ${folder}/nginx.pid;
    error_log ${folder}/nginx.log;
    events { worker_connections 16384; }
    stream {
      server {
        listen 127.0.0.1:${clientPort} udp rcvbuf=4m;
        proxy_pass 127.0.0.1:${peerPort};
      }
    }`
  writeFileSync(`${folder}/nginx.conf`, configuration)
  return asReady(`nginx -e ${folder}/nginx.log -p ${folder} -c ${folder}/nginx.conf`)
}

/** Returns the command of a TURN server in one thread, without authentication. */
export function turnserverCommand(folder: string, clientPort: number): [string, ...string[]] {
  const options = [
    `-n --no-auth --no-cli --no-tls --no-dtls --no-tcp --no-tcp-relay --allow-loopback-peers -m 0`,
    `--listening-ip=127.0.0.1 --relay-ip=127.0.0.1 --listening-port=${clientPort}`,
    `--pidfile=${folder}/turnserver.pid --log-file=/dev/null --userdb=${folder}/turndb`,
  ]
  return asReady(`turnserver ${options.join(' ')} >${folder}/turnserver.log 2>&1`)
}

/** They say nothing when they are ready; the load generator repeats its first packets until they are answered. */
function asReady(command: string): [string, ...string[]] {
  return ['sh', '-c', `ulimit -n $(ulimit -H -n); echo ready; exec ${command}`]
}
