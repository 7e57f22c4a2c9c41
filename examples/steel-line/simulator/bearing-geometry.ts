/** What fixes the rates at which a rolling bearing's damage is struck. */
export interface BearingGeometry {
  readonly balls: number
  /** in mm */
  readonly ballDiameter: number
  /** in mm */
  readonly pitchDiameter: number
  /** in rad */
  readonly contactAngle: number
}

/** Deep-groove ball bearing 6205-2RS, at the drive end of the motor. */
export const bearing6205: BearingGeometry = { balls: 9, ballDiameter: 7.94, pitchDiameter: 39.04, contactAngle: 0 }

/** Rates in multiples of the shaft's, for a fixed outer race and no slip. */
export interface BearingOrders {
  /** Balls passing a point of the outer race (BPFO). */
  readonly outerRace: number
  /** Balls passing a point of the inner race (BPFI). */
  readonly innerRace: number
  /** Turns of a ball about its own axis (BSF); a defect on it strikes both races, so twice a turn. */
  readonly ballSpin: number
  /** Turns of the cage (FTF). */
  readonly cage: number
}

/** Randall and Antoni, Rolling element bearing diagnostics: a tutorial, MSSP 25 (2011), equations 1 to 4. */
export const bearingOrders = (geometry: BearingGeometry): BearingOrders => {
  const ratio = (geometry.ballDiameter / geometry.pitchDiameter) * Math.cos(geometry.contactAngle)
  return {
    outerRace: (geometry.balls / 2) * (1 - ratio),
    innerRace: (geometry.balls / 2) * (1 + ratio),
    ballSpin: (geometry.pitchDiameter / (2 * geometry.ballDiameter)) * (1 - ratio * ratio),
    cage: (1 - ratio) / 2,
  }
}
