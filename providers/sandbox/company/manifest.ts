/**
 * What the invented Saltmarsh Ferry Company keeps where. A file's format follows the extension of its name (or `native`); its words
 * stand in `source`, beside this manifest. File names stand once in the whole company.
 */
export type CompanyFile = {
  name: string;
  /** Plain text beside this file; absent for what has no words: a form, a shortcut, a picture, an empty file. */
  source?: string;
  modified: string;
  native?: 'document' | 'spreadsheet' | 'presentation' | 'form';
  /** Name of the file it points to. */
  shortcutTo?: string;
  canDownload?: boolean;
  /** Behind a password nobody has. */
  locked?: boolean;
  /** E-mail addresses of those who find it under Shared with me. */
  sharedWith?: string[];
};

export type CompanyFolder = { name: string; entries: (CompanyFolder | CompanyFile)[]; sharedWith?: string[] };
export type Person = { name: string; email: string; entries: (CompanyFolder | CompanyFile)[] };
export type SharedDrive = { name: string; members: string[]; entries: (CompanyFolder | CompanyFile)[] };

const marit = 'marit.halloran@saltmarsh-ferry.example';
const tomas = 'tomas.okafor@saltmarsh-ferry.example';
const ines = 'ines.beaumont@saltmarsh-ferry.example';

const folder = (name: string, entries: CompanyFolder['entries'], sharedWith?: string[]): CompanyFolder => ({
  name,
  entries,
  sharedWith,
});

const file = (
  name: string,
  source: string | undefined,
  modified: string,
  rest: Partial<CompanyFile> = {},
): CompanyFile => ({ name, source, modified: `${modified}:00Z`, ...rest });

const operations: SharedDrive = {
  name: 'Operations',
  members: [marit, tomas, ines],
  entries: [
    folder('Policies', [
      file('Safety Management Policy.docx', 'operations/safety-management-policy.md', '2026-02-11T09:30'),
      file('Alcohol and Drug Policy.pdf', 'operations/alcohol-and-drug-policy.md', '2026-01-14T15:05'),
      file('Severe Weather Policy.md', 'operations/severe-weather-policy.md', '2026-03-02T08:12'),
      file('Dangerous Goods Policy.docx', 'operations/dangerous-goods-policy.md', '2026-02-20T11:40'),
    ]),
    folder('Incident Reports', [
      file('Incident Register 2026.xlsx', 'operations/incident-register.md', '2026-04-08T16:20'),
      folder('2026', [
        file('2026-01-19 Sandpiper Bow Ramp.docx', 'operations/incident-bow-ramp.md', '2026-01-22T10:00'),
        file('2026-02-03 Curlew Fender Contact.pdf', 'operations/incident-fender.md', '2026-02-06T14:45'),
        file('2026-03-11 Passenger Slip Car Deck.md', 'operations/incident-slip.md', '2026-03-12T07:55'),
      ]),
    ]),
    folder('Runbooks', [
      file('Booking System Outage.md', 'operations/booking-outage.md', '2026-03-19T13:10'),
      file('Engine Room Flooding Drill.md', 'operations/flooding-drill.md', '2026-02-25T09:00'),
      file('Shore Power Changeover.md', 'operations/shore-power.md', '2026-04-02T10:30'),
      file('Ticket Machine Reset.txt', 'operations/ticket-machine-reset.txt', '2026-01-09T12:00'),
    ]),
    folder('Vessels', [
      folder('Curlew', [
        file('MV Curlew Particulars.docx', 'operations/curlew-particulars.md', '2026-01-08T08:00'),
        file('Dry Dock 2026.pptx', 'operations/dry-dock.md', '2026-04-14T17:25'),
        file('Wartungsprotokoll Hauptmaschine.docx', 'operations/wartungsprotokoll.md', '2026-03-27T06:40'),
      ]),
      folder('Sandpiper', [
        file('MV Sandpiper Particulars.pdf', 'operations/sandpiper-particulars.md', '2026-01-08T08:20'),
        file('Spare Parts on Board.csv', 'operations/spare-parts.csv', '2026-03-30T15:15'),
      ]),
      folder('Greenshank', [
        file('Battery Retrofit Study.docx', 'operations/battery-study.md', '2026-02-27T18:00'),
        file('sensor-thresholds.json', 'operations/sensor-thresholds.json', '2026-03-05T11:11'),
      ]),
    ]),
    folder('Timetables', [
      file('Summer Timetable 2026', 'operations/summer-timetable.md', '2026-04-01T09:45', { native: 'spreadsheet' }),
      file('Winter Timetable 2025-26.xlsx', 'operations/winter-timetable.md', '2026-01-06T09:45'),
      file('Tide Notes Kelling Bar.txt', 'operations/tide-notes.txt', '2026-02-02T05:30'),
      file('berth-display.json', 'operations/berth-display.json', '2026-03-22T20:02'),
    ]),
  ],
};

const company: SharedDrive = {
  name: 'Company',
  members: [marit, ines],
  entries: [
    folder('Company Policies', [
      file('Travel and Expenses Policy', 'company/travel-and-expenses.md', '2026-02-16T10:10', { native: 'document' }),
      file('Data Protection Policy.pdf', 'company/data-protection.md', '2026-01-28T13:00'),
      file('Leave and Rota Policy.md', 'company/leave-and-rota.md', '2026-03-03T16:30'),
      file('Lost Property Policy.txt', 'company/lost-property.txt', '2026-01-15T09:20'),
    ]),
    folder('People', [
      folder('Onboarding', [
        file('Onboarding Guide.docx', 'company/onboarding-guide.md', '2026-03-16T08:50'),
        file('First Week Checklist.md', 'company/first-week.md', '2026-03-16T09:10'),
        file('Leitfaden für neue Kolleginnen und Kollegen.docx', 'company/leitfaden.md', '2026-03-17T14:00'),
      ]),
      file('Payroll Letter Template.pdf', 'company/payroll-letter.md', '2026-02-05T12:12', { locked: true }),
    ]),
    folder('Meetings', [
      file('Board Minutes January 2026.docx', 'company/board-january.md', '2026-01-30T17:40'),
      file('Team Meeting 4 March', 'company/team-meeting-march.md', '2026-03-04T15:35', { native: 'document' }),
      file('Safety Committee April.md', 'company/safety-committee-april.md', '2026-04-09T12:25'),
      file('Untitled note.txt', undefined, '2026-03-04T15:02'),
    ]),
    folder('Sales', [
      folder('Prices', [
        file('Fares 2026.csv', 'company/fares-2026.csv', '2026-01-02T10:00'),
        file('Freight Rates 2026.xlsx', 'company/freight-rates.md', '2026-01-12T11:30'),
        file('Group Offers Summer', 'company/group-offers.md', '2026-04-03T09:05', { native: 'presentation' }),
      ]),
      folder('Newsletters', [
        file('Spring Newsletter.html', 'company/spring-newsletter.html', '2026-03-25T07:00'),
        file("Lettre d'information du printemps.html", 'company/lettre-printemps.html', '2026-03-26T07:00'),
      ]),
      folder('Partners', [
        file('Convention Port-Brévan.docx', 'company/convention-port-brevan.md', '2026-02-18T16:16'),
        file('日本のお客様へのご案内.md', 'company/japanese-guests.md', '2026-03-09T02:30'),
      ]),
      file('Passenger Survey 2026', undefined, '2026-04-06T11:45', { native: 'form' }),
    ]),
    folder('Finance', [
      file('Budget 2026.xlsx', 'company/budget-2026.md', '2026-01-26T18:30'),
      file('Fuel Supply Agreement.pdf', 'company/fuel-supply-agreement.md', '2026-01-20T10:10'),
    ]),
    folder('Brand', [file('Curlew at berth.png', undefined, '2026-02-14T14:14')]),
  ],
};

/** The two shared drives; Tomas is a member of one only. */
export const sharedDrives: SharedDrive[] = [operations, company];

/** The three people with an account, and what each keeps in My Drive. */
export const people: Person[] = [
  {
    name: 'Marit Halloran',
    email: marit,
    entries: [
      folder('Board', [
        file('Investor Update Q1 2026', 'marit/investor-update.md', '2026-04-10T19:20', { native: 'document' }),
        file('Investor Deck.pptx', 'marit/investor-deck.md', '2026-04-11T08:08'),
        file('Bank Covenant Letter.pdf', 'marit/bank-covenant.md', '2026-01-23T09:00', { canDownload: false }),
      ]),
      folder(
        'Harbour Authority',
        [
          file('Berth Lease Notes.md', 'marit/berth-lease-notes.md', '2026-03-20T18:45'),
          file('Letter to Harbour Master.docx', 'marit/letter-harbour-master.md', '2026-03-21T09:30'),
        ],
        [ines],
      ),
      file('Ideas for 2027.txt', 'marit/ideas.txt', '2026-04-04T21:50'),
      file('Fares (shortcut)', undefined, '2026-01-05T09:15', { shortcutTo: 'Fares 2026.csv' }),
    ],
  },
  {
    name: 'Tomas Okafor',
    email: tomas,
    entries: [
      folder(
        'Hull Survey',
        [
          file('Hull Survey Notes.md', 'tomas/hull-survey-notes.md', '2026-03-18T17:00'),
          file('Thickness Readings.csv', 'tomas/thickness-readings.csv', '2026-03-18T17:30'),
        ],
        [marit],
      ),
      file('Angebot Nordwind Batterien.pdf', 'tomas/angebot-nordwind.md', '2026-02-24T10:05', { sharedWith: [marit] }),
      file('Propeller Tender.xlsx', 'tomas/propeller-tender.md', '2026-04-07T13:30', { sharedWith: [marit, ines] }),
    ],
  },
  {
    name: 'Ines Beaumont',
    email: ines,
    entries: [
      folder('Campaigns', [
        file('Campaign Plan Summer', 'ines/campaign-plan.md', '2026-03-31T12:00', {
          native: 'spreadsheet',
          sharedWith: [marit],
        }),
        file('Press Release New Sunday Sailing.html', 'ines/press-release.html', '2026-04-13T06:30'),
      ]),
      file('Complaints Q1 2026.csv', 'ines/complaints-q1.csv', '2026-04-06T16:00', { sharedWith: [marit, tomas] }),
      file('Interview Notes Deckhands.md', 'ines/interview-notes.md', '2026-03-24T15:00'),
    ],
  },
];
