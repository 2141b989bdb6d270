/**
 * What can be found in the sample documents: each sentence stands word for word in the file of that name, and each query asks for it in
 * other words. For showing search at work, and for telling whether it works.
 */
export type SampleFact = { file: string; sentence: string; query: string };

export const sampleFacts: SampleFact[] = [
  {
    file: 'Safety Management Policy.docx',
    sentence: 'A master never needs permission to stay in port.',
    query: 'May the office force a captain to sail?',
  },
  {
    file: 'Severe Weather Policy.md',
    sentence: 'Curlew stops sailing when the gust speed at Kelling Head passes 38 knots for ten minutes.',
    query: 'At which wind gust speed does Curlew stop sailing?',
  },
  {
    file: '2026-01-19 Sandpiper Bow Ramp.docx',
    sentence: 'The ramp cylinder seal had been fitted in 2019 and was eleven months past its replacement date.',
    query: 'Why did the bow ramp of Sandpiper sink?',
  },
  {
    file: 'Dry Dock 2026.pptx',
    sentence: 'Curlew enters the dry dock at Brannoc Slip on 12 October 2026.',
    query: 'When does Curlew go into dry dock?',
  },
  {
    file: 'Wartungsprotokoll Hauptmaschine.docx',
    sentence: 'Das Schmieröl der Hauptmaschine wurde bei 11.842 Betriebsstunden gewechselt.',
    query: 'Wann wurde das Schmieröl der Hauptmaschine gewechselt?',
  },
  {
    file: 'MV Sandpiper Particulars.pdf',
    sentence: 'Sandpiper carries 149 passengers and 22 cars on one open deck.',
    query: 'How many passengers and cars can Sandpiper take?',
  },
  {
    file: 'Summer Timetable 2026',
    sentence: 'The late sailing S15 waits up to ten minutes for the train from Marlow Junction.',
    query: 'Does the last boat wait for the train?',
  },
  {
    file: 'Travel and Expenses Policy',
    sentence: 'Claims older than ninety days are refused without exception.',
    query: 'How late can I hand in an expense claim?',
  },
  {
    file: 'Data Protection Policy.pdf',
    sentence:
      'Camera recordings from the terminals are overwritten after 72 hours unless a master or the police asks in writing to keep them.',
    query: 'How long are recordings of the terminal cameras kept?',
  },
  {
    file: 'Lost Property Policy.txt',
    sentence: 'Telephones and keys are kept for six months.',
    query: 'How long do we keep a lost telephone or keys?',
  },
  {
    file: 'Board Minutes January 2026.docx',
    sentence: 'The board approved 461,450 for the dry docking of Curlew, including a reserve of ten percent.',
    query: 'How much money did the board approve for the dry docking?',
  },
  {
    file: 'Leitfaden für neue Kolleginnen und Kollegen.docx',
    sentence:
      'In den ersten acht Wochen können Sie ein Zimmer im Lotsenhaus mieten, es kostet 290 im Monat einschließlich Strom und Bettwäsche.',
    query: 'Was kostet ein Zimmer im Lotsenhaus im Monat?',
  },
  {
    file: 'Convention Port-Brévan.docx',
    sentence:
      'L’Office reçoit une commission de sept pour cent sur les billets vendus au-delà de mille passagers par saison.',
    query: 'Quelle commission l’Office de tourisme reçoit-il sur les billets vendus ?',
  },
  {
    file: '日本のお客様へのご案内.md',
    sentence: '団体のお客様には、三日前までのご予約で和風弁当を18ユーロでご用意いたします。',
    query: '団体で和風弁当を予約できますか',
  },
  {
    file: 'Spring Newsletter.html',
    sentence: 'The seal nursery on the north sands of Kelling Island is closed to walkers from 1 June to 15 July.',
    query: 'When is the seal nursery on Kelling Island closed?',
  },
  {
    file: 'Freight Rates 2026.xlsx',
    sentence: "The islanders' cooperative pays no late booking surcharge for milk, bread and medicine.",
    query: 'Who is free of the late booking surcharge for freight?',
  },
  {
    file: 'Hull Survey Notes.md',
    sentence: 'The bottom plating of tank 3 has lost 17 percent of its thickness on the port side.',
    query: 'How much steel has tank 3 of Curlew lost?',
  },
  {
    file: 'Angebot Nordwind Batterien.pdf',
    sentence: 'Die Lieferzeit beträgt 30 Wochen ab Bestellung.',
    query: 'Wie lang ist die Lieferzeit der Batterien von Nordwind?',
  },
  {
    file: 'Propeller Tender.xlsx',
    sentence: 'My recommendation is Fjordskrue, because four weeks of slack are worth more than 6,500 to us.',
    query: 'Which bidder is recommended for the propeller?',
  },
  {
    file: 'Complaints Q1 2026.csv',
    sentence: 'Heard about the contact from the radio and not from us',
    query: 'complaint about hearing of the contact on the radio',
  },
];
