// Pulling an image from a registry into the store.
import type { FetchRequest } from './fetch.ts';
import type { ImageRecord } from './record.ts';

/** Returns the record once every layer is unpacked. */
export async function pullImage(request: FetchRequest): Promise<ImageRecord> {
  throw new Error(request.reference.literal);
}
