"""Texts in languages of the world as they stand in mail, with the encodings that each was written in before Unicode."""

from collections.abc import Mapping, Sequence

_WEST = ("latin-1", "cp1252", "iso8859-15")
_CENTRE = ("iso8859-2", "cp1250")
_RUSSIAN = ("koi8-r", "cp1251", "iso8859-5", "cp866")

TEXTS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "French": (
        _WEST[1:],
        [
            "Où êtes-vous allé cet été ? Je préfère la mer à la forêt, même après l'été.",
            "Madame, Monsieur, veuillez trouver ci-joint le procès-verbal de la réunion du 3 février.",
            "Réponse : « ça marche » — à bientôt, Hélène",
            "L'âne bâté, le maïs, le cœur, la sœur, Noël, naïf, aiguë, garçon, reçu, dû, sûr, là, ô",
            "Thé, né, bébé, dé, pré, clé, blé, gré, été, élu, ému",
        ],
    ),
    "German": (
        _WEST,
        [
            "Sehr geehrte Frau Müller, anbei übersenden wir Ihnen die gewünschten Unterlagen für die Prüfung.",
            "Grüße aus Köln: schöne Bäume, große Häuser, süße Äpfel und müde Füße.",
            "Für über tausend Öfen läßt sich die Tür nur öffnen, wenn man früh übt.",
            "Formatzeichen »%c« ohne »%s« und »t« statt »m« an Stelle 3",
        ],
    ),
    "Czech": (
        _CENTRE,
        [
            "Příliš žluťoučký kůň úpěl ďábelské ódy.",
            "Dobrý den, v příloze posílám smlouvu o dílo. S pozdravem Jiří Novák",
            "Váš dopis jsme obdrželi, děkujeme a přejeme hezký den.",
        ],
    ),
    "Slovak": (_CENTRE, ["Vážený pán, posielam Vám prílohu k zmluve. Ďakujem.", "Kŕdeľ ďatľov učí koňa žrať kôru."]),
    "Polish": (
        _CENTRE,
        ["Zażółć gęślą jaźń.", "W załączeniu przesyłam umowę. Proszę o potwierdzenie. Z poważaniem, Łukasz Żak"],
    ),
    "Hungarian": (_CENTRE, ["Árvíztűrő tükörfúrógép.", "Tisztelt Uram! Mellékelten küldöm a szerződést és a számlát."]),
    "Croatian": (
        _CENTRE,
        ["Poštovani, u prilogu šaljem ugovor. Lijep pozdrav, Željko Đurić", "Gojazni đačić s biciklom."],
    ),
    "Slovene": (
        _CENTRE,
        ["Spoštovani, v prilogi pošiljam račun. Lep pozdrav, Žiga Šturm", "Če bo dež, grem čez cesto."],
    ),
    "Romanian": (
        ("iso8859-2", "cp1250"),
        ["Bună ziua, vă trimit în anexă raportul lunar.", "Mâine mă întâlnesc cu domnul Ionuţ."],
    ),
    "Spanish": (
        _WEST,
        [
            "Estimado señor: adjunto el acta de la reunión del próximo miércoles. Un saludo, Íñigo Peña",
            "¿Cómo está? ¡Qué año! El niño comió piña, ñame y jamón en la montaña.",
            "Acción, él, tú, sí, más, así, qué, té, fé, mí",
        ],
    ),
    "Portuguese": (
        _WEST,
        [
            "Prezado senhor, segue em anexo a ata da reunião. Atenciosamente, João Gonçalves",
            "Não há pão nem limões à venda; amanhã são três irmãos, avó e avô.",
            "Lã, maçã, pé, fé, só, nó, dó, mão, cão, tão, vão, põe",
        ],
    ),
    "Italian": (
        _WEST,
        [
            "Gentile dottoressa, però non è più così: la città ha già più università.",
            "Può, farò, ciò, giù, lì, là, sé, tè",
        ],
    ),
    "Catalan": (_WEST, ["Benvolgut senyor, això és l'última qüestió: què farà demà? Açò és bo, però no prou."]),
    "Dutch": (
        _WEST,
        [
            "Geachte mevrouw, één van de coördinatoren heeft geïnformeerd naar de officiële reünie.",
            "Zoëven, zeeën, knieën, hé, café, crème",
        ],
    ),
    "Swedish": (
        _WEST,
        [
            "Hej! Så går det på för oss: två små båtar låg då på sjön när vi åt.",
            "Vänliga hälsningar från Åke och Märta på Söder. Få så två, gå på då, må nå på.",
            "På då så",
        ],
    ),
    "Danish": (
        _WEST,
        ["Kære Søren, på Ærø så vi små får. Hvad så nu? Må vi få det på dansk?", "Blå å, på gå, få så, nå"],
    ),
    "Norwegian": (
        _WEST,
        ["Hei, vi må få på plass en løsning så snart som mulig. Hilsen Åse Bjørnstad", "Nå så du på øya, æ e så trøtt"],
    ),
    "Finnish": (
        _WEST,
        [
            "Hyvää päivää, lähetän ohessa pöytäkirjan. Ystävällisin terveisin, Väinö Mäkelä",
            "Yö, työ, pää, jää, tää, nää, vyö",
        ],
    ),
    "Estonian": (
        ("iso8859-15", "cp1257"),
        ["Tere, saadan lisas lepingu. Õnne ja jõudu tööle, Jüri Mägi", "Öö, jäääär, õu, küll, või, hõõg"],
    ),
    "Icelandic": (
        _WEST,
        [
            "Góðan daginn, ég sendi þér skýrsluna á morgun. Bestu kveðjur, Þórður Ægisson",
            "Á ég að sjá þá? Já, þú nú, ó, æ, í bæ",
        ],
    ),
    "Faroese": (
        _WEST,
        [
            "Góðan dag, eg sendi tær skjalið í morgin. Vinarliga, Jógvan á Bø",
            "Á, í, ó, ú, ý, æ, ø, ð: tá, fá, smá, blá",
        ],
    ),
    "Irish": (
        _WEST,
        ["A chara, tá an tuarascáil ceangailte leis seo. Is mé le meas, Seán Ó Móráin", "Tá sé, bí, mé, tú, sí, ó, lá"],
    ),
    "Welsh": (("iso8859-14",), ["Annwyl Siân, mae'r tŷ ar gau. Dŵr, tân, môr, sŵn, gŵyl, tŷ gwyn"]),
    "Turkish": (
        ("cp1254", "iso8859-9"),
        [
            "Sayın yetkili, ekte üç aylık raporu gönderiyorum. İyi çalışmalar, Çağrı Öztürk",
            "Dün gün boyu yağmur yağdı; bugün hava çok güzel, için rahat olsun, ölü gözü gibi.",
        ],
    ),
    "Azerbaijani": (
        ("cp1254",),
        ["Hörmetli cenab, ölçü üçün", "Görüş günü: üçüncü gün, gün çıxanda"],
    ),
    "Latvian": (("cp1257", "iso8859-13"), ["Labdien! Pielikumā nosūtu līgumu. Ar cieņu, Jānis Bērziņš"]),
    "Lithuanian": (("cp1257", "iso8859-13"), ["Laba diena, siunčiu sutartį. Pagarbiai, Žydrūnas Šeškevičius"]),
    "Albanian": (_WEST, ["Përshëndetje, ju dërgoj raportin në shtojcë. Është çështje kohe, më falni."]),
    "Maltese": (("iso8859-3",), ["Għażiż, qed nibgħat ir-rapport. Grazzi ħafna, Ġorġ Żammit"]),
    "Esperanto": (("iso8859-3",), ["Ĉu vi povas sendi ĝin ĵaŭde? Eĥoŝanĝo ĉiuĵaŭde."]),
    "Russian": (
        _RUSSIAN,
        [
            "Уважаемый господин, направляем Вам отчёт за прошлый месяц. С уважением, Иванов",
            "Я и ты, он и она, в и с, о и у: а что же там, за окном?",
        ],
    ),
    "Ukrainian": (
        ("koi8-u", "cp1251"),
        ["Шановний пане, надсилаємо Вам звіт за минулий місяць. З повагою, Їжак", "Я й ти, і в, з о у"],
    ),
    "Bulgarian": (("cp1251", "iso8859-5"), ["Уважаеми господине, изпращам Ви отчета за миналия месец. С уважение"]),
    "Serbian": (("cp1251", "iso8859-5"), ["Поштовани, у прилогу шаљем уговор. Љубичица Ђорђевић"]),
    "Greek": (
        ("cp1253", "iso8859-7"),
        ["Αξιότιμε κύριε, σας στέλνω την έκθεση του προηγούμενου μήνα. Ευχαριστώ", "Ή ο Ώ, ό τι και η ώρα"],
    ),
    "Hebrew": (("cp1255", "iso8859-8"), ["שלום רב, מצורף הדוח החודשי. בברכה, דוד כהן", "אני הולך לים עם אבא"]),
    "Arabic": (
        ("cp1256", "iso8859-6"),
        ["السيد المحترم، نرسل لكم التقرير الشهري مع التحية والتقدير", "هذا كتاب جديد من المكتبة"],
    ),
    "Persian": (("cp1256",), ["با سلام، گزارش ماهانه پيوست است"]),
    "Thai": (("tis-620", "cp874"), ["เรียนท่านผู้อำนวยการ ขอส่งรายงานประจำเดือน ขอแสดงความนับถือ", "สวัสดีครับ ผมชื่อสมชาย"]),
    "Chinese, simplified": (
        ("gbk", "gb18030", "gb2312", "euc-cn"),
        [
            "尊敬的先生：现将上月的报告发给您，请查收。此致敬礼",
            "你好，我们下周三开会，请准时参加。",
            "越南河南省人民委员会",
        ],
    ),
    "Chinese, traditional": (
        ("big5", "cp950"),
        ["敬啟者：茲附上上月份之報告，敬請查收。", "您好，我們下週三開會，請準時參加。", "臺北市政府資訊局"],
    ),
    "Japanese": (
        ("shift_jis", "cp932", "euc_jp"),
        ["お世話になっております。先月の報告書をお送りします。", "ｱｲｳｴｵ ｶﾀｶﾅ ﾃｽﾄ ﾒｰﾙ", "ベトナム・ハナム省の皆様へ"],
    ),
    "Korean": (
        ("euc_kr", "cp949"),
        ["안녕하십니까, 지난달 보고서를 첨부하여 보내드립니다. 감사합니다.", "베트남 하남성 인민위원회 귀하"],
    ),
    "English": (
        _WEST[1:2],
        [
            "“Naïve café résumé” – the coöperative’s façade… £5, €10, ½ price, 20 °C, ±3 µm, © Acme®",
            "Dear Mr Nguyen, the señor’s piñata costs 5 £",
        ],
    ),
    "names": (_WEST, ["Hà Bùi, José Peña, Björn Åkesson, Zoë Müller, François Lê", "Thò, Bäu, Möng, Düng, Nöi"]),
    "numbers and signs": (
        _WEST,
        ["5 µg/m³, 3 × 4 ÷ 2 = 6, §§ 3-5, ¶ 2, ¡no! ¿sí?", "Ø 12 mm, 1º y 2ª, N° 5, ±½"],
    ),
}
