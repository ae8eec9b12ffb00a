/**
 * Check digits of insurer numbers and of 後期高齢 insured numbers: weights 2, 1, 2, 1 … from the right,
 * digits of the products added, complement to ten (保険者番号等設定要領).
 */

/** The digit that belongs behind `digits`. */
export function computeCheckDigit(digits: string): number {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const product = Number(digit) * (index % 2 === 0 ? 2 : 1);
    return total + Math.floor(product / 10) + (product % 10);
  }, 0);
  return (10 - (sum % 10)) % 10;
}

export function hasValidCheckDigit(digits: string): boolean {
  return /^\d{2,}$/.test(digits) && computeCheckDigit(digits.slice(0, -1)) === Number(digits.at(-1));
}
