import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { buildConnector } from 'undici'
import type { Clock } from '#libs/runtime/clock.ts'
import type { SendFailure } from '../core/delivery/classify-response.ts'
import { checkAddress, isSameAddress } from './allowed-address.ts'
import { createNameLookup, type LookUpName } from './name-lookup.ts'
import type { WebhookRules } from './validate-url.ts'

/** Why no connection was made. The message is the reason alone: a tenant never sees addresses. */
export class ConnectError extends Error {
  override name = 'ConnectError'
  readonly reason: SendFailure
  constructor(reason: SendFailure, options?: ErrorOptions) {
    super(reason, options)
    this.reason = reason
  }
}

/** The two doors to the network, replaced by recorders in tests. */
export type Network = {
  readonly resolve: LookUpName
  /** A TCP connection to an address; nothing is written to it. */
  readonly dial: (address: string, port: number, signal: AbortSignal) => Promise<Socket>
}

export const systemNetwork = (clock: Clock): Network => ({
  resolve: createNameLookup({ clock }),
  dial: (address, port, signal) =>
    connected(connectTcp({ host: address, port, noDelay: true, keepAlive: true }), 'connect', signal),
})

/** Resolves at `event`; rejects at an error, or when `signal` destroys the socket. */
const connected = (socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const abort = () => socket.destroy(new Error('aborted'))
    signal.addEventListener('abort', abort, { once: true })
    socket.once('error', reject)
    socket.once(event, () => {
      signal.removeEventListener('abort', abort)
      socket.off('error', reject)
      resolve(socket)
    })
  })

const CONNECT_MS = 5_000

type ConnectorDeps = { readonly rules: WebhookRules; readonly network: Network; readonly clock: Clock }

/**
 * Guards against requests into the inside network: every address of a name, or the one in the URL,
 * must be allowed. The connection goes to a checked address: a name cannot be rebound in between.
 * The peer is checked again before a byte is written, the TLS hello included. By hand:
 * `request-filtering-agent` 3.2 is an `http.Agent`, which undici cannot use, and does not check the
 * peer. The hostile-URL suite holds this one (2026-11-30).
 */
export const createGuardedConnector = ({ rules, network, clock }: ConnectorDeps): buildConnector.connector => {
  const checkedAddresses = async (host: string, port: number): Promise<readonly string[]> => {
    const addresses = isIP(host) !== 0 ? [host] : await resolveName(network, host)
    const refused = addresses.some((address) => !checkAddress(address, port, rules.allow).allowed)
    if (refused) throw new ConnectError('address_not_allowed')
    return addresses
  }

  const dialOne = async (addresses: readonly string[], port: number, signal: AbortSignal): Promise<Socket> => {
    let cause: unknown
    for (const address of addresses) {
      try {
        const socket = await network.dial(address, port, signal)
        if (isExpectedPeer(socket, address, port, rules)) return socket
        socket.destroy()
        throw new ConnectError('address_not_allowed')
      } catch (error) {
        if (error instanceof ConnectError || signal.aborted) throw error
        cause = error
      }
    }
    throw new ConnectError('connection_failed', { cause })
  }

  const open = async ({ hostname, port, protocol }: buildConnector.Options, signal: AbortSignal): Promise<Socket> => {
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    const portNumber = Number(port) || (protocol === 'https:' ? 443 : 80)
    const addresses = await checkedAddresses(host, portNumber)
    if (signal.aborted) throw new ConnectError('connect_timeout')
    const socket = await dialOne(addresses, portNumber, signal)
    return protocol === 'https:' ? secure(socket, host, signal) : socket
  }

  return (options, callback) => {
    const limit = new AbortController()
    let done = false
    const finish = (error: Error | null, socket: Socket | null): void => {
      if (done) {
        socket?.destroy()
        return
      }
      done = true
      cancel()
      if (socket) callback(null, socket)
      else callback(error ?? new ConnectError('connection_failed'), null)
    }
    const cancel = clock.after(CONNECT_MS, () => {
      limit.abort()
      finish(new ConnectError('connect_timeout'), null)
    })
    open(options, limit.signal).then(
      (socket) => finish(null, socket),
      (error: Error) =>
        finish(error instanceof ConnectError ? error : new ConnectError('connection_failed', { cause: error }), null),
    )
  }
}

const resolveName = async (network: Network, name: string): Promise<readonly string[]> => {
  const addresses = await network.resolve(name).catch((cause: unknown) => {
    throw new ConnectError('name_not_resolved', { cause })
  })
  if (addresses.length === 0) throw new ConnectError('name_not_resolved')
  return addresses
}

const isExpectedPeer = (socket: Socket, address: string, port: number, { allow }: WebhookRules): boolean => {
  const peer = socket.remoteAddress
  return peer !== undefined && isSameAddress(peer, address) && checkAddress(peer, port, allow).allowed
}

const secure = (socket: Socket, host: string, signal: AbortSignal): Promise<Socket> => {
  const servername = isIP(host) === 0 ? { servername: host } : {}
  const tls = connectTls({ socket, host, ...servername, ALPNProtocols: ['http/1.1'] })
  return connected(tls, 'secureConnect', signal).catch((cause: unknown) => {
    throw new ConnectError('tls_failed', { cause })
  })
}
