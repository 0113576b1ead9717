/** A value that JSON can spell; readonly, as documents are never changed in place. */

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };
