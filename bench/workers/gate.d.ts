/** The bundle of the Worker, under the name that `counted.ts` imports it by. */
declare module 'gate' {
  type Env = Readonly<Record<string, unknown>>
  type ObjectClass = new (state: object, env: Env) => object

  export const DenylistObject: ObjectClass
  export const DeviceObject: ObjectClass
  export const IssuerObject: ObjectClass
  export const KeyObject: ObjectClass
  export const SessionObject: ObjectClass
  const worker: { fetch(request: Request, env: Env, context: object): Promise<Response> }
  export default worker
}
