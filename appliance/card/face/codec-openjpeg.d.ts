/** The part of @cornerstonejs/codec-openjpeg 1.3.6 that photo.ts calls; the package ships no types. */
declare module '@cornerstonejs/codec-openjpeg/decodewasmjs' {
  export interface FrameInfo {
    readonly width: number;
    readonly height: number;
    readonly bitsPerSample: number;
    readonly componentCount: number;
    readonly isSigned: boolean;
  }
  export interface J2KDecoder {
    getEncodedBuffer(lengthBytes: number): Uint8Array;
    decode(): void;
    getFrameInfo(): FrameInfo;
    getDecodedBuffer(): Uint8Array;
    delete(): void;
  }
  export interface OpenJpeg {
    readonly J2KDecoder: new () => J2KDecoder;
  }
  export interface OpenJpegOptions {
    print(line: string): void;
    printErr(line: string): void;
  }
  const openJpeg: (options: OpenJpegOptions) => Promise<OpenJpeg>;
  // biome-ignore lint/style/noDefaultExport: the shape of a foreign package
  export default openJpeg;
}
