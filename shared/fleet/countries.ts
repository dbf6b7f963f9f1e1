/**
 * A point amid the people of each country: its largest city, or between those of about one size, in whole degrees.
 *
 * It serves a client whose coordinates nobody knows, to tell data centres apart and no more. A country that is not
 * here has its continent's point (`geo.ts`).
 */

import type { Coordinates } from './geo.ts'

/** Returns the point of a country, by its ISO 3166-1 alpha-2 code. */
export function pointOfCountry(country: string): Coordinates | undefined {
  return POINT_BY_COUNTRY.get(country)
}

/** Code, degrees north, degrees east. */
const POINTS = `
AE 25 55|AF 35 69|AL 41 20|AM 40 45|AO -9 13|AR -35 -58|AT 48 16|AU -35 149|AZ 40 50|BA 44 18|BD 24 90|BE 51 4
BF 12 -2|BG 43 23|BH 26 51|BI -3 29|BJ 6 2|BN 5 115|BO -17 -66|BR -22 -46|BT 27 90|BW -25 26|BY 54 28|BZ 17 -88
CA 45 -77|CD -4 15|CF 4 19|CG -4 15|CH 47 8|CI 5 -4|CL -33 -71|CM 4 11|CN 32 115|CO 5 -75|CR 10 -84|CU 23 -82
CY 35 33|CZ 50 15|DE 51 9|DJ 12 43|DK 56 12|DO 18 -70|DZ 37 3|EC -1 -79|EE 59 25|EG 30 31|ER 15 39|ES 40 -3
ET 9 39|FI 60 25|FJ -18 178|FR 48 3|GA 0 9|GB 52 -1|GE 42 45|GH 6 0|GN 10 -14|GR 38 24|GT 15 -91|GY 7 -58
HK 22 114|HN 14 -87|HR 46 16|HT 19 -72|HU 47 19|ID -6 107|IE 53 -6|IL 32 35|IN 22 78|IQ 33 44|IR 35 51|IS 64 -22
IT 43 12|JM 18 -77|JO 32 36|JP 35 138|KE -1 37|KG 43 75|KH 12 105|KR 37 127|KW 29 48|KZ 43 77|LA 18 103|LB 34 36
LK 7 80|LR 6 -11|LS -29 27|LT 55 24|LU 50 6|LV 57 24|LY 33 13|MA 34 -7|MD 47 29|ME 42 19|MG -19 48|MK 42 21
ML 13 -8|MM 17 96|MN 48 107|MO 22 114|MR 18 -16|MT 36 14|MU -20 57|MV 4 74|MW -14 34|MX 20 -100|MY 3 102|MZ -26 33
NA -23 17|NE 14 2|NG 8 5|NI 12 -86|NL 52 5|NO 60 11|NP 28 85|NZ -37 175|OM 24 58|PA 9 -80|PE -12 -77|PG -9 147
PH 15 121|PK 30 71|PL 52 20|PR 18 -66|PS 32 35|PT 40 -9|PY -25 -58|QA 25 52|RO 45 26|RS 45 20|RU 56 40|RW -2 30
SA 25 45|SD 16 33|SE 59 17|SG 1 104|SI 46 15|SK 48 18|SL 8 -13|SN 15 -17|SO 2 45|SR 6 -55|SS 5 32|SV 14 -89
SY 34 37|SZ -26 31|TD 12 15|TG 6 1|TH 14 101|TJ 39 69|TM 38 58|TN 37 10|TR 40 31|TT 11 -61|TW 24 121|TZ -7 39
UA 49 33|UG 0 33|US 39 -90|UY -35 -56|UZ 41 69|VE 10 -67|VN 16 107|XK 43 21|YE 15 44|ZA -28 29|ZM -15 28|ZW -18 31
`

const POINT_BY_COUNTRY: ReadonlyMap<string, Coordinates> = new Map(
  POINTS.trim()
    .split(/[|\n]/)
    .map((entry) => {
      const [code = '', latitude, longitude] = entry.split(' ')
      return [code, { latitude: Number(latitude), longitude: Number(longitude) }]
    }),
)
