/**
 * Where the world's people are, as far as steering needs it: the larger urban agglomerations.
 *
 * After the United Nations' World Urbanization Prospects, 2018 revision (file 12: agglomerations of 300,000 and more,
 * estimate for 2020), typed in by hand: millions of people to one decimal, degrees to one decimal. The largest of
 * every part of the world are here; it is not every city above some size.
 */

import type { Coordinates } from '#shared/fleet/geo'

/** A city and how many million people live there. */
export interface City extends Coordinates {
  readonly name: string
  readonly millions: number
}

/** Name, degrees north, degrees east, millions. */
const CITIES = `
Tokyo 35.7 139.7 37.4|Delhi 28.7 77.2 30.3|Shanghai 31.2 121.5 27.1|São_Paulo -23.6 -46.6 22.0
Mexico_City 19.4 -99.1 21.8|Dhaka 23.8 90.4 21.0|Cairo 30.0 31.2 20.9|Beijing 39.9 116.4 20.5
Mumbai 19.1 72.9 20.4|Osaka 34.7 135.5 19.2|New_York 40.7 -74.0 18.8|Karachi 24.9 67.0 16.1
Chongqing 29.6 106.6 15.9|Istanbul 41.0 29.0 15.2|Buenos_Aires -34.6 -58.4 15.2|Kolkata 22.6 88.4 14.9
Lagos 6.5 3.4 14.4|Kinshasa -4.3 15.3 14.3|Manila 14.6 121.0 13.9|Tianjin 39.1 117.2 13.6
Rio_de_Janeiro -22.9 -43.2 13.5|Guangzhou 23.1 113.3 13.3|Lahore 31.6 74.3 12.6|Moscow 55.8 37.6 12.5
Los_Angeles 34.1 -118.2 12.4|Shenzhen 22.5 114.1 12.4|Bangalore 13.0 77.6 12.3|Paris 48.9 2.4 11.0
Bogotá 4.7 -74.1 11.0|Chennai 13.1 80.3 11.0|Jakarta -6.2 106.8 10.8|Lima -12.0 -77.0 10.7
Bangkok 13.8 100.5 10.5|Hyderabad 17.4 78.5 10.0|Seoul 37.6 127.0 10.0|Nagoya 35.2 136.9 9.6
London 51.5 -0.1 9.3|Chengdu 30.7 104.1 9.1|Tehran 35.7 51.4 9.1|Chicago 41.9 -87.6 8.9
Nanjing 32.1 118.8 8.8|Ho_Chi_Minh_City 10.8 106.7 8.6|Wuhan 30.6 114.3 8.4|Luanda -8.8 13.2 8.3
Ahmedabad 23.0 72.6 8.1|Kuala_Lumpur 3.1 101.7 8.0|Xian 34.3 108.9 8.0|Hong_Kong 22.3 114.2 7.5
Hangzhou 30.3 120.2 7.6|Surat 21.2 72.8 7.2|Suzhou 31.3 120.6 7.1|Riyadh 24.7 46.7 7.2
Baghdad 33.3 44.4 7.1|Shenyang 41.8 123.4 7.2|Santiago -33.5 -70.7 6.8|Dar_es_Salaam -6.8 39.3 6.7
Pune 18.5 73.9 6.6|Madrid 40.4 -3.7 6.6|Houston 29.8 -95.4 6.4|Dallas 32.8 -96.8 6.3
Toronto 43.7 -79.4 6.2|Miami 25.8 -80.2 6.1|Belo_Horizonte -19.9 -43.9 6.1|Singapore 1.4 103.8 5.9
Khartoum 15.6 32.5 5.8|Johannesburg -26.2 28.0 5.8|Philadelphia 40.0 -75.2 5.7|Atlanta 33.7 -84.4 5.8
Barcelona 41.4 2.2 5.6|Saint_Petersburg 59.9 30.3 5.5|Fukuoka 33.6 130.4 5.5|Washington 38.9 -77.0 5.3
Yangon 16.9 96.2 5.3|Alexandria 31.2 29.9 5.3|Guadalajara 20.7 -103.3 5.2|Abidjan 5.3 -4.0 5.2
Ankara 39.9 32.9 5.1|Chittagong 22.4 91.8 5.0|Melbourne -37.8 145.0 5.0|Sydney -33.9 151.2 4.9
Monterrey 25.7 -100.3 4.9|Addis_Ababa 9.0 38.7 4.8|Nairobi -1.3 36.8 4.7|Hanoi 21.0 105.8 4.7
Brasília -15.8 -47.9 4.6|Cape_Town -33.9 18.4 4.6|Jeddah 21.5 39.2 4.6|Phoenix 33.4 -112.1 4.5
Boston 42.4 -71.1 4.3|Rome 41.9 12.5 4.3|Kabul 34.5 69.2 4.2|Montreal 45.5 -73.6 4.2
Recife -8.1 -34.9 4.1|Fortaleza -3.7 -38.5 4.1|Kano 12.0 8.5 4.0|Casablanca 33.6 -7.6 3.8
Algiers 36.8 3.1 2.8|San_Francisco 37.8 -122.4 3.3|Detroit 42.3 -83.0 3.5|Berlin 52.5 13.4 3.6
Seattle 47.6 -122.3 3.4|Busan 35.2 129.1 3.5|Salvador -13.0 -38.5 3.8|Accra 5.6 -0.2 2.5
Athens 38.0 23.7 3.2|Milan 45.5 9.2 3.1|San_Diego 32.7 -117.2 3.2|Caracas 10.5 -66.9 2.9
Lisbon 38.7 -9.1 3.0|Manchester 53.5 -2.2 2.7|Denver 39.7 -105.0 2.8|Dubai 25.2 55.3 2.9
Kyiv 50.5 30.5 3.0|Tashkent 41.3 69.2 2.5|Vancouver 49.3 -123.1 2.6|Brisbane -27.5 153.0 2.4
Taipei 25.0 121.6 2.7|Quito -0.2 -78.5 1.9|Havana 23.1 -82.4 2.1|Vienna 48.2 16.4 1.9
Warsaw 52.2 21.0 1.8|Bucharest 44.4 26.1 1.8|Stockholm 59.3 18.1 1.6|Auckland -36.8 174.8 1.6
Perth -32.0 115.9 2.0|Novosibirsk 55.0 82.9 1.7|Almaty 43.2 76.9 1.9|Dakar 14.7 -17.4 3.1
Antananarivo -18.9 47.5 3.4|Honolulu 21.3 -157.9 0.8|Anchorage 61.2 -149.9 0.3|Reykjavík 64.1 -21.9 0.2
`

/** Every city of the list. */
export const cities: readonly City[] = CITIES.trim()
  .split(/[|\n]/)
  .map((entry) => {
    const [name = '', latitude, longitude, millions] = entry.split(' ')
    return {
      name: name.replaceAll('_', ' '),
      latitude: Number(latitude),
      longitude: Number(longitude),
      millions: Number(millions),
    }
  })
