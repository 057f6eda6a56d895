/**
 * What the operators' endpoints need from outside.
 */
import type { CallerServices } from '../gateway/services.ts'

export type OperatorServices = CallerServices
