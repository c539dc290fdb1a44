import { defineTexts } from '@queue-manager/ui/text';

export const texts = defineTexts({
  en: {
    title: 'Set up your venue',
    another: 'New venue',
    lead: 'In a minute you have a poster with a QR code, and guests can join your line.',
    venueName: 'Name of the venue',
    queueName: 'What do guests wait for?',
    queueHint: 'Guests see it, for example “Tables” or “Entrance”. You can add more later.',
    queueDefault: 'Tables',
    localeHint: 'Of your poster and of mails to guests. Pages follow each guest’s own language.',
    create: 'Create and make the poster',
    creating: 'Setting up…',
    invited: 'Were you invited to a venue? Open the link in the invitation’s mail.',
  },
  pt: {
    title: 'Configure o seu espaço',
    another: 'Novo espaço',
    lead: 'Num minuto, tem um cartaz com um código QR, e os clientes podem entrar na fila.',
    venueName: 'Nome do espaço',
    queueName: 'Pelo que esperam os clientes?',
    queueHint:
      'Os clientes veem-no, por exemplo “Mesas” ou “Entrada”. Pode acrescentar mais depois.',
    queueDefault: 'Mesas',
    localeHint:
      'Do seu cartaz e dos e-mails aos clientes. As páginas seguem o idioma de cada cliente.',
    create: 'Criar e fazer o cartaz',
    creating: 'A configurar…',
    invited: 'Foi convidado para um espaço? Abra a ligação no e-mail do convite.',
  },
  es: {
    title: 'Configura tu local',
    another: 'Nuevo local',
    lead: 'En un minuto tendrás un cartel con un código QR, y los clientes podrán unirse a la fila.',
    venueName: 'Nombre del local',
    queueName: '¿Qué esperan los clientes?',
    queueHint: 'Los clientes lo ven, por ejemplo “Mesas” o “Entrada”. Puedes añadir más después.',
    queueDefault: 'Mesas',
    localeHint:
      'De tu cartel y de los correos a los clientes. Las páginas siguen el idioma de cada cliente.',
    create: 'Crear y hacer el cartel',
    creating: 'Configurando…',
    invited: '¿Te han invitado a un local? Abre el enlace del correo de invitación.',
  },
  fr: {
    title: 'Configurez votre établissement',
    another: 'Nouvel établissement',
    lead: 'En une minute, vous avez une affiche avec un QR code, et vos clients peuvent rejoindre la file.',
    venueName: 'Nom de l’établissement',
    queueName: 'Qu’attendent vos clients ?',
    queueHint:
      'Vos clients le voient, par exemple « Tables » ou « Entrée ». Vous pourrez en ajouter.',
    queueDefault: 'Tables',
    localeHint:
      'De votre affiche et des e-mails aux clients. Les pages suivent la langue de chaque client.',
    create: 'Créer et préparer l’affiche',
    creating: 'Configuration…',
    invited: 'On vous a invité dans un établissement ? Ouvrez le lien de l’e-mail d’invitation.',
  },
  de: {
    title: 'Richten Sie Ihren Betrieb ein',
    another: 'Neuer Betrieb',
    lead: 'In einer Minute haben Sie ein Plakat mit QR-Code, und Gäste können sich einreihen.',
    venueName: 'Name des Betriebs',
    queueName: 'Worauf warten Ihre Gäste?',
    queueHint:
      'Gäste sehen es, zum Beispiel „Tische“ oder „Einlass“. Weitere können Sie später anlegen.',
    queueDefault: 'Tische',
    localeHint:
      'Für das Plakat und E-Mails an Gäste. Die Seiten folgen der Sprache des jeweiligen Gastes.',
    create: 'Anlegen und Plakat erstellen',
    creating: 'Wird eingerichtet …',
    invited: 'Wurden Sie in einen Betrieb eingeladen? Öffnen Sie den Link in der Einladungsmail.',
  },
  ar: {
    title: 'إعداد مكانك',
    another: 'مكان جديد',
    lead: 'خلال دقيقة يصبح لديك ملصق برمز QR، ويمكن للضيوف الانضمام إلى الطابور.',
    venueName: 'اسم المكان',
    queueName: 'ماذا ينتظر الضيوف؟',
    queueHint: 'يراه الضيوف، مثل «الطاولات» أو «الدخول». يمكنك إضافة المزيد لاحقًا.',
    queueDefault: 'الطاولات',
    localeHint: 'لغة الملصق والرسائل إلى الضيوف. أما الصفحات فتتبع لغة كل ضيف.',
    create: 'إنشاء وإعداد الملصق',
    creating: 'جارٍ الإعداد…',
    invited: 'هل تلقيت دعوة إلى مكان؟ افتح الرابط في رسالة الدعوة.',
  },
});
