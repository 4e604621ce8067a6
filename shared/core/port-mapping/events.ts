/** What goes into and comes out of a `PortMappingMachine`: plain data. Ports without a name are UDP ports of this machine. */
import type { Address } from '../../wire/address.ts'
import type { Service } from './dialects.ts'

export interface Network {
  /** The default gateway, with PORT_MAPPING_PORT. */
  readonly gateway: Address
  /** Address of this machine towards it. */
  readonly local: Address
}

export type PortMappingInput =
  /** At the beginning, and when addresses change or the machine woke up. Without a gateway nothing is asked. */
  | { readonly kind: 'network'; readonly network: Network | undefined }
  /** A port of the gateway is wanted for this one. */
  | { readonly kind: 'open'; readonly port: number }
  /** And no longer. */
  | { readonly kind: 'close'; readonly port: number }
  /** Find out what the gateway speaks, with no mapping. */
  | { readonly kind: 'survey' }
  /** Answers to `findUpnp`. */
  | { readonly kind: 'upnpFound'; readonly external: Address }
  | { readonly kind: 'upnpAbsent' }
  /** Answers to `mapUpnp`. `taken`: another external port may do. */
  | {
      readonly kind: 'upnpMapped'
      readonly port: number
      readonly external: Address
      readonly lifetimeSeconds: number
    }
  | { readonly kind: 'upnpRefused'; readonly port: number; readonly taken: boolean }
  /** Answer to `unmapUpnp`, whether or not it could be done. */
  | { readonly kind: 'upnpUnmapped'; readonly port: number }

export type PortMappingEffect =
  /** What comes to `external` comes to the port. Also when only the external address changed. */
  | {
      readonly kind: 'mapped'
      readonly port: number
      readonly external: Address
      readonly service: Service
    }
  | { readonly kind: 'unmapped'; readonly port: number }
  /** After `close`: the gateway has forgotten it, or will. */
  | { readonly kind: 'closed'; readonly port: number }
  | ({ readonly kind: 'surveyed' } & Survey)
  /** Each is answered with an input, whatever happens. */
  | { readonly kind: 'findUpnp' }
  | {
      readonly kind: 'mapUpnp'
      readonly port: number
      readonly externalPort: number
      readonly lifetimeSeconds: number
    }
  | { readonly kind: 'unmapUpnp'; readonly port: number; readonly externalPort: number }

export interface Survey {
  /** What the gateway speaks. */
  readonly services: readonly Service[]
  /** Its outside address, where it told. */
  readonly external?: Address
}
