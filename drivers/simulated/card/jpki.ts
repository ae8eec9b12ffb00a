/** 公的個人認証AP: certificates, the two signature keys, and the terminal that needs no PIN. */
import { answer, type Command, refuse, SW } from '../command.ts';
import { FileApplication } from './application.ts';
import type { Chip } from './chip.ts';
import type { ApplicationImage, KeyImage, Right } from './image.ts';
import { OrganisationAuthentication } from './organisation-authentication.ts';

export class JpkiApplication extends FileApplication {
  readonly #organisation: OrganisationAuthentication;
  readonly #isPhone: boolean;

  constructor(image: ApplicationImage, chip: Chip, isPhone: boolean) {
    super(image, chip);
    this.#organisation = new OrganisationAuthentication(chip, image.organisationRoots ?? []);
    this.#isPhone = isPhone;
  }

  override reset(): void {
    super.reset();
    this.#organisation.reset();
  }

  override process(command: Command): Uint8Array {
    const { cla, ins } = command;
    if (cla === 0x80 && ins === 0xa2) return this.#organisation.loadCertificate(command);
    if (cla === 0x00 && ins === 0x82) return this.#organisation.externalAuthenticate(command);
    // The iPhone profile ends a session with 80FC0000; a plastic card answers 6700.
    if (cla === 0x80 && ins === 0xfc) return this.#isPhone ? answer() : refuse(SW.wrongLength);
    // SET SESSION KEY exists card-wide, but no credential satisfies it here.
    if (cla === 0x80 && ins === 0xae) return refuse(SW.securityStatus);
    return super.process(command);
  }

  protected override hasRight(right: Right): boolean {
    return right === 'organisation' ? this.#organisation.isGranted : super.hasRight(right);
  }

  protected override afterSignature(key: KeyImage): void {
    const hasOwnRight = typeof key.use === 'string' || key.use.some((right) => super.hasRight(right));
    if (!hasOwnRight) this.#organisation.useOnce();
  }
}
