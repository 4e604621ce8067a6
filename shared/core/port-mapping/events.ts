/** Inputs and effects of a `PortMappingMachine`, as plain data. A `port` is a UDP port of this host. */
import type { Address } from '../../wire/address.ts'
import type { Service } from './dialects.ts'

export interface Network {
  /** The default gateway, with PORT_MAPPING_PORT. */
  readonly gateway: Address
  /** Address of this host in the gateway's network. */
  readonly local: Address
}

export type PortMappingInput =
  /** Set at the beginning, and when addresses change or the host wakes from sleep. Without a gateway nothing is asked. */
  | { readonly kind: 'network'; readonly network: Network | undefined }
  /** Asks the gateway to map this port. */
  | { readonly kind: 'open'; readonly port: number }
  /** The mapping is no longer needed. */
  | { readonly kind: 'close'; readonly port: number }
  /** Find out which services the gateway offers, without a mapping. */
  | { readonly kind: 'survey' }
  /** Answers to `findUpnp`. */
  | { readonly kind: 'upnpFound'; readonly external: Address }
  | { readonly kind: 'upnpAbsent' }
  /** Answers to `mapUpnp`. `taken`: the external port is in use, another one may work. */
  | {
      readonly kind: 'upnpMapped'
      readonly port: number
      readonly external: Address
      readonly lifetimeSeconds: number
    }
  | { readonly kind: 'upnpRefused'; readonly port: number; readonly taken: boolean }
  /** Answer to `unmapUpnp`, whether it succeeded or not. */
  | { readonly kind: 'upnpUnmapped'; readonly port: number }

export type PortMappingEffect =
  /** The gateway forwards from `external` to the port. Emitted again if only the external address changes. */
  | {
      readonly kind: 'mapped'
      readonly port: number
      readonly external: Address
      readonly service: Service
    }
  | { readonly kind: 'unmapped'; readonly port: number }
  /** After `close`: the gateway has deleted the mapping, or will. */
  | { readonly kind: 'closed'; readonly port: number }
  | ({ readonly kind: 'surveyed' } & Survey)
  /** Each of the following is answered with an input, whatever happens. */
  | { readonly kind: 'findUpnp' }
  | {
      readonly kind: 'mapUpnp'
      readonly port: number
      readonly externalPort: number
      readonly lifetimeSeconds: number
    }
  | { readonly kind: 'unmapUpnp'; readonly port: number; readonly externalPort: number }

export interface Survey {
  /** The services that the gateway offers. */
  readonly services: readonly Service[]
  /** The gateway's external address, if a service reported it. */
  readonly external?: Address
}
