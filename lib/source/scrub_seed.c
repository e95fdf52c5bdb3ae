/* scrub_seed.c - BIP-39 seed phrases: their words, their checksum, and where one
 * may stand.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_priv.h"

/* The first four letters of the 2048 words tell them apart (BIP-39). */
static const char words[] =
    "abanabilableabouabovabseabsoabstabsuabusacceacciaccoaccuachiacid"
    "acouacquacroact actiactoactractuadapadd addiaddradjuadmiaduladva"
    "adviaeroaffaaffoafraagaiage agenagreaheaaim air airpaislalaralbu"
    "alcoaleralieall allealloalmoalonalphalrealsoaltealwaamatamazamon"
    "amouamusanalanchanciangeanglangranimanklannoannuanotanswanteanti"
    "anxiany aparapolappeapplapprapriarcharctareaarenarguarm armearmo"
    "armyarouarraarrearriarroart arteartiartwask aspeassaasseassiassu"
    "asthathlatomattaatteattiattrauctaudiauguauntauthautoautuaveravoc"
    "avoiawakawarawayawesawfuawkwaxisbabybachbacobadgbag balabalcball"
    "bambbanabannbar barebargbarrbasebasibaskbattbeacbeanbeaubecabeco"
    "beefbefobegibehabehibelibelobeltbencbenebestbetrbettbetwbeyobicy"
    "bid bikebindbiolbirdbirtbittblacbladblamblanblasbleablesblinbloo"
    "blosbloublueblurblusboarboatbodyboilbombbonebonubookboosbordbori"
    "borrbossbottbounbox boy bracbraibranbrasbravbreabreebricbridbrie"
    "brigbrinbrisbrocbrokbronbroobrotbrowbrusbubbbuddbudgbuffbuilbulb"
    "bulkbullbundbunkburdburgbursbus busibusybuttbuyebuzzcabbcabicabl"
    "cactcagecakecallcalmcamecampcan canacanccandcanncanocanvcanycapa"
    "capicaptcar carbcardcargcarpcarrcartcasecashcasicastcasucat cata"
    "catccatecattcaugcauscautcaveceilcelecemecenscentcerecertchaichal"
    "chamchanchaochapcharchaschatcheacheccheechefchercheschicchiechil"
    "chimchoichoochrochucchunchurcigacinncircciticityciviclaiclapclar"
    "clawclaycleaclerclevclicclieclifclimclinclipclocclogclosclotclou"
    "clowclubclumclusclutcoaccoascococodecoffcoilcoincollcolocolucomb"
    "comecomfcomicommcompconccondconfcongconnconscontconvcookcoolcopp"
    "copycoracorecorncorrcostcottcouccouncoupcourcouscovecoyocraccrad"
    "crafcramcrancrascratcrawcrazcreacredcreecrewcriccrimcriscritcrop"
    "croscroucrowcruccruecruicrumcruncruscry cryscubecultcup cupbcuri"
    "currcurtcurvcushcustcutecycldad damadampdancdangdaridashdaugdawn"
    "day dealdebadebrdecadecedecidecldecodecrdeerdefedefidefydegrdela"
    "delidemademidenidentdenydepadepedepodeptdepuderidescdesedesidesk"
    "despdestdetadetedevedevidevodiagdialdiamdiardicediesdietdiffdigi"
    "digndiledinndinodiredirtdisadiscdisedishdismdisodispdistdivedivi"
    "divodizzdoctdocudog dolldolpdomadonadonkdonodoordosedoubdovedraf"
    "dragdramdrasdrawdreadresdrifdrildrindripdrivdropdrumdry duckdumb"
    "duneduridustdutcdutydwardynaeageeaglearlearnearteasieasteasyecho"
    "ecoleconedgeediteduceffoegg eigheithelboeldeelecelegelemelepelev"
    "elitelseembaemboembremeremotemplempoemptenabenacend endlendoenem"
    "enerenfoengaengienhaenjoenlienouenrienroensuenteentientrenveepis"
    "equaequiera eraseroderoserroerupescaessaesseestaeterethievidevil"
    "evokevolexacexamexceexchexciexclexcuexecexerexhaexhiexilexisexit"
    "exotexpaexpeexpiexplexpoexprexteextreye eyebfabrfacefacufadefain"
    "faitfallfalsfamefamifamofan fancfantfarmfashfat fatafathfatifaul"
    "favofeatfebrfedefee feedfeelfemafencfestfetcfevefew fibefictfiel"
    "figufilefilmfiltfinafindfinefingfinifirefirmfirsfiscfishfit fitn"
    "fix flagflamflasflatflavfleefligflipfloaflocflooflowfluiflusfly "
    "foamfocufog foilfoldfollfoodfootforcforeforgforkfortforuforwfoss"
    "fostfounfox fragframfreqfresfriefrinfrogfronfrosfrowfrozfruifuel"
    "fun funnfurnfuryfutugadggaingalagallgamegap garagarbgardgarlgarm"
    "gas gaspgategathgauggazegenegenigenrgentgenugestghosgiangiftgigg"
    "ginggiragirlgivegladglanglarglasglidglimglobglooglorglovglowglue"
    "goatgoddgoldgoodgoosgorigospgossgovegowngrabgracgraigrangrapgras"
    "gravgreagreegridgriegritgrocgrougrowgrunguarguesguidguilguitgun "
    "gym habihairhalfhammhamshandhappharbhardharsharvhat havehawkhaza"
    "headhealhearheavhedgheighellhelmhelphen herohiddhighhillhinthip "
    "hirehisthobbhockholdholeholihollhomehonehoodhopehornhorrhorshosp"
    "hosthotehourhovehub hugehumahumbhumohundhunghunthurdhurrhurthusb"
    "hybrice iconideaidenidleignoill illeillnimagimitimmeimmuimpaimpo"
    "imprimpuinchinclincoincrindeindiindoinduinfainflinfoinhainheinit"
    "injeinjuinmainneinnoinpuinquinsainseinsiinspinstintainteintoinve"
    "inviinvoironislaisolissuitemivorjackjagujar jazzjealjeanjelljewe"
    "job joinjokejourjoy judgjuicjumpjungjunijunkjustkangkeenkeepketc"
    "key kickkid kidnkindkingkisskit kitckitekittkiwikneeknifknocknow"
    "lab labelaboladdladylakelamplanglaptlarglatelatilauglaunlavalaw "
    "lawnlawslayelazyleadleaflearleavlectleftleg legalegeleislemolend"
    "lenglensleoplesslettleveliarlibelibrlicelifeliftlighlikelimblimi"
    "linklionliqulistlittlivelizaloadloanlobslocalocklogilonelongloop"
    "lottloudlounloveloyalucklugglumblunaluncluxulyrimachmad magimagn"
    "maidmailmainmajomakemammman manamandmangmansmanumaplmarbmarcmarg"
    "marimarkmarrmaskmassmastmatcmatemathmatrmattmaximazemeadmeanmeas"
    "meatmechmedamedimelomeltmembmemomentmenumercmergmerimerrmeshmess"
    "metamethmiddmidnmilkmillmimimindminiminominumiramirrmisemissmist"
    "mix mixemixtmobimodemodimom momemonimonkmonsmontmoonmoramoremorn"
    "mosqmothmotimotomounmousmovemovimuchmuffmulemultmuscmusemushmusi"
    "mustmutumysemystmythnaivnamenapknarrnastnatinatunearneckneednega"
    "neglneitnephnervnestnet netwneutnevenewsnextnicenighnoblnoisnomi"
    "noodnormnortnosenotanotenothnotinovenow nuclnumbnursnut oak obey"
    "objeobliobscobseobtaobvioccuoceaoctoodoroff offeoffiofteoil okay"
    "old olivolymomitonceone onioonlionlyopenoperopinoppooptioranorbi"
    "orchordeordiorgaorieorigorphostrotheoutdouteoutpoutsovalovenover"
    "own owneoxygoystozonpactpaddpagepairpalapalmpandpanepanipantpape"
    "parapareparkparrpartpasspatcpathpatipatrpattpauspavepaympeacpean"
    "pearpeaspelipen penapencpeoppeppperfpermperspet phonphotphraphys"
    "pianpicnpictpiecpig pigepillpilopinkpionpipepistpitcpizzplacplan"
    "plasplatplaypleapledplucplugplunpoempoetpoinpolapolepolipondpony"
    "poolpopuportposiposspostpotapottpovepowdpowepracpraipredprefprep"
    "prespretprevpricpridprimprinprioprisprivprizprobprocprodprofprog"
    "projpromproopropprosprotprouprovpublpuddpullpulppulspumppuncpupi"
    "pupppurcpuripurppurspushput puzzpyraqualquanquarquesquicquitquiz"
    "quotrabbraccracerackradaradirailrainraisrallramprancrandrangrapi"
    "rareraterathraveraw razoreadrealreasrebereburecarecerecirecorecy"
    "redureflreforefuregiregrregurejerelarelerelirelyremaremeremiremo"
    "rendrenerentreopreparepereplreporequrescreseresiresorespresureti"
    "retrretureunreverevirewarhytrib ribbricerichrideridgriflrighrigi"
    "ringriotrippriskriturivariveroadroasroboroburockromaroofrookroom"
    "roserotarougrounroutroyarubbruderug rulerun runwrurasad saddsadn"
    "safesailsalasalmsalosaltsalusamesampsandsatisatosaucsaussavesay "
    "scalscanscarscatscenscheschosciescisscorscouscrascrescriscrusea "
    "searseasseatsecosecrsectsecuseedseeksegmselesellsemisenisenssent"
    "seriservsesssettsetuseveshadshafshalsharshedshelshershieshifshin"
    "shipshivshocshoeshooshopshorshoushovshrishrushufshy siblsickside"
    "siegsighsignsilesilksillsilvsimisimpsincsingsiresistsitusix size"
    "skatsketski skilskinskirskulslabslamsleeslenslicslidsligslimslog"
    "slotslowslussmalsmarsmilsmoksmoosnacsnaksnapsnifsnowsoapsoccsoci"
    "socksodasoftsolasoldsolisolusolvsomesongsoonsorrsortsoulsounsoup"
    "soursoutspacsparspatspawspeaspecspeespelspensphespicspidspikspin"
    "spirsplispoisponspoosporspotspraspresprispy squasquesquistabstad"
    "stafstagstaistamstanstarstatstaysteasteestemstepstersticstilstin"
    "stocstomstonstoostorstovstrastrestristrostrustudstufstumstylsubj"
    "submsubwsuccsuchsuddsuffsugasuggsuitsummsun sunnsunssupesuppsupr"
    "suresurfsurgsurpsurrsurvsuspsustswalswamswapswarsweasweeswifswim"
    "swinswitsworsymbsympsyrusysttabltacktag tailtaletalktanktapetarg"
    "tasktasttatttaxiteacteamtellten tenatenntenttermtesttextthanthat"
    "themthentheothertheythinthisthouthrethrithrothumthunticktidetige"
    "tilttimbtimetinytip tiretisstitltoastobatodatoddtoe togetoiltoke"
    "tomatomotonetongtonitooltoottop topitopptorctorntorttosstotatour"
    "towatowetowntoy tractradtraftragtraitrantraptrastravtraytreatree"
    "trentriatribtrictrigtrimtriptroptroutructruetrultrumtrustruttry "
    "tubetuittumbtunatunnturkturnturttweltwentwictwintwistwo typetypi"
    "uglyumbrunabunawuncluncoundeundounfaunfounhaunifuniqunitunivunkn"
    "unlountiunusunveupdaupgruphouponuppeupseurbaurgeusaguse usedusef"
    "uselusuautilvacavacuvaguvalivallvalvvan vanivapovarivastvaulvehi"
    "velvvendventvenuverbveriversveryvessveteviabvibrvicivictvideview"
    "villvintviolvirtviruvisavisivisuvitavivivocavoicvoidvolcvoluvote"
    "voyawagewagowaitwalkwallwalnwantwarfwarmwarrwashwaspwastwatewave"
    "way wealweapwearweasweatweb weddweekweirwelcwestwet whalwhatwhea"
    "wheewhenwherwhipwhiswidewidtwifewildwillwin windwinewingwinkwinn"
    "wintwirewisdwisewishwitnwolfwomawondwoodwoolwordworkworlworrwort"
    "wrapwrecwreswriswritwronyardyearyellyou younyoutzebrzerozonezoo ";

static int
find_word(const uint8_t *p, size_t n)
{
	char key[4] = { ' ', ' ', ' ', ' ' };
	int lo = 0, hi = 2047;

	memcpy(key, p, n < 4 ? n : 4);
	while (lo <= hi) {
		int mid = (lo + hi) / 2;
		int c = memcmp(key, words + 4 * mid, 4);

		if (!c)
			return mid;
		if (c < 0)
			hi = mid - 1;
		else
			lo = mid + 1;
	}
	return -1;
}

/* Do all words belong to the list, and does their checksum hold? */
static bool
is_seed(const uint8_t *p, size_t n)
{
	uint8_t bits[40] = { 0 }, sum[BINDU_SHA256];
	size_t count = 0, i = 0, entropy, other = 0;
	int last = -1;

	while (i < n && count < 24) {
		size_t end = i;
		int w;

		while (end < n && p[end] != ' ')
			end++;
		w = find_word(p + i, end - i);
		if (w < 0)
			return false;
		other += w != last;
		last = w;
		for (int b = 0; b < 11; b++)
			if (w >> (10 - b) & 1) {
				size_t at = count * 11 + (size_t)b;

				bits[at / 8] |= (uint8_t)(0x80 >> at % 8);
			}
		count++;
		i = end + 1;
	}
	/* count * 11 bits: entropy, then one checksum bit for 32 of it. */
	entropy = count * 11 * 32 / 33 / 8;
	bindu_digest_bytes(bits, entropy, sum);
	for (size_t b = 0; b < count / 3; b++)
		if ((bits[entropy + b / 8] ^ sum[b / 8]) & (0x80 >> b % 8))
			return false;
	/* One word over and over is everyone's example. */
	return other * 2 > count;
}

/* How many words of a seed phrase stand in a row from text[i) on. */
static size_t
count_words(const struct scrub_text *t, size_t i, size_t *end)
{
	size_t n = 0;

	for (; n < 25; i++) {
		size_t w = i;

		while (i < t->n && islower(t->p[i]) && i - w < 9)
			i++;
		if (i - w < 3 || i - w > 8)
			return 0;
		n++;
		*end = i;
		if (i + 1 >= t->n || t->p[i] != ' ' || !islower(t->p[i + 1]))
			break;
	}
	return n;
}

/* mnemonic, seed phrase ...: twelve or more short words in a row. */
void
scrub_judge_seed(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	size_t limit = t->n - at > 120 ? at + 120 : t->n, end = 0;

	if (at && isalpha(t->p[at - 1]) && islower(t->p[at]))
		return;
	for (size_t i = at + 4; i < limit; i++) {
		size_t n;

		/* Where a value begins, and not in the middle of a text. */
		if (!islower(t->p[i]) || isalnum(t->p[i - 1]) ||
		    (t->p[i - 1] == ' ' && isalnum(t->p[i - 2])))
			continue;
		n = count_words(t, i, &end);
		if (n >= 12 && n <= 24 && n % 3 == 0 &&
		    is_seed(t->p + i, end - i)) {
			scrub_add(s, t, i, end, "private-key/seed-phrase",
			    BINDU_SCRUB_BLOCK, PRIO_KEY);
			return;
		}
	}
}
